"""Which version this is, and which commit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness_site.version import ROOT, version

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "3.2.1"\n')
    return tmp_path


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({}, "3.2.1"),
        ({"HEAD": COMMIT}, "3.2.1+012345678"),
        ({"HEAD": "ref: refs/heads/main", "refs/heads/main": COMMIT}, "3.2.1+012345678"),
        (
            {"HEAD": "ref: refs/heads/main", "packed-refs": f"# pack\n{COMMIT} refs/heads/main\n"},
            "3.2.1+012345678",
        ),
        ({"HEAD": "ref: refs/heads/main"}, "3.2.1"),
        ({"HEAD": "nonsense"}, "3.2.1"),
    ],
)
def test_it_reads_the_number_and_the_commit(source: Path, files: dict[str, str], found: str) -> None:
    for name, text in files.items():
        path = source / ".git" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    assert version(source) == found


def test_the_command_says_the_products_own() -> None:
    said = subprocess.run(
        [sys.executable, "manage.py", "--version"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert said.stdout == f"Agent Harness {version()}\n"

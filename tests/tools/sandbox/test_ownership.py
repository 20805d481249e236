"""What a thread's folder holds, counted from outside while a command may be at work in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runtime.tools.folder import MAX_DEPTH
from runtime.tools.sandbox import ownership
from runtime.tools.sandbox.limits import MIB
from tests.tools.sandbox.conftest import ORDINARY_USER, Weaker, as_ordinary_user

MANY = 1000


def nest(folder: Path, levels: int) -> Path:
    """The deepest of so many folders, each in the one before."""
    for _ in range(levels):
        folder = folder / "d"
        folder.mkdir()
    return folder


def test_it_counts_down_to_the_last_folder_that_the_file_tools_open(folder: Path) -> None:
    (nest(folder, MAX_DEPTH) / "file").write_bytes(bytes(8192))
    assert ownership.measure(folder, MIB, MANY) == (8192, MAX_DEPTH + 1, "", True)


def test_it_says_when_there_is_more_below(folder: Path) -> None:
    nest(folder, MAX_DEPTH + 1)
    found = ownership.measure(folder, MIB, MANY)
    assert found.hidden == f"is nested more than {MAX_DEPTH} folders deep"


def test_it_says_when_a_folder_is_closed_to_it(weaker: Weaker) -> None:
    folder = weaker.folder / "files"
    closed = folder / "closed"
    closed.mkdir(parents=True)
    (closed / "file").write_bytes(bytes(8192))
    if os.geteuid() == 0:
        os.chown(closed, ORDINARY_USER, ORDINARY_USER)
    closed.chmod(0)
    hidden = as_ordinary_user(lambda: ownership.measure(folder, MIB, MANY).hidden)
    closed.chmod(0o700)
    assert hidden == "holds a folder that nobody can look into (Permission denied)"


def test_it_says_when_time_did_not_reach(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nest(folder, 3)
    monkeypatch.setattr(ownership, "MEASURE_SECONDS", -1.0)
    assert not ownership.measure(folder, MIB, MANY).whole

"""Random kills, in short. `manage.py benchmark torture --kills 1000` is the long campaign."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.product import MANAGE, environment

pytestmark = pytest.mark.usefixtures("shell")
HARM = ("lost", "doubled", "stuck", "contradictions (verify and files)", "wrong answers")


@pytest.mark.parametrize(
    "options", [["--kills", "20"], ["--kills", "4", "--pauses", "50"]], ids=["kills", "pauses"]
)
def test_it_comes_through_a_campaign(tmp_path: Path, options: list[str]) -> None:
    tmp_path.chmod(0o711)
    done = subprocess.run(
        [sys.executable, MANAGE, "benchmark", "torture", "--json", *options],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    figures = {name: figure["value"] for name, figure in json.loads(done.stdout)["figures"].items()}
    assert figures["kills"] >= int(options[1])
    assert figures["effects witnessed"] > 0
    assert {name: figures[name] for name in HARM} == dict.fromkeys(HARM, 0)

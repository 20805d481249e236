"""Maintenance dies by SIGKILL at every named point; a later pass finishes, and verification finds nothing."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.faults import PERMISSION, VARIABLE
from runtime.upkeep.maintenance import LEASES
from tests.crash.past import THREADS
from tests.product import MANAGE, environment, migrate

LEASE_SECONDS = 0.5
WORKSPACE = """\
apiVersion: agent-harness/v1alpha1
kind: Workspace
metadata: {name: crash}
spec: {retention: {checkpoints: {keep_runs: 1}}, maintenance: {checkpoints: {batch: 1}}}
"""
#: Every point that a pass goes by, and the kind of the pass.
POINTS = {
    "maintain.taken": "records",
    "maintain.done": "records",
    "text.written": "checkpoints",
    "text.committed": "checkpoints",
    "chain.written": "checkpoints",
    "chain.committed": "checkpoints",
    "delete.written": "records",
    "delete.committed": "records",
    "delete.files_gone": "records",
}


class Installation:
    """Without any process but the commands that are run in it."""

    def __init__(self, folder: Path) -> None:
        self.data_dir = folder / "data"
        self.data_dir.mkdir()
        (folder / "workspace.yaml").write_text(WORKSPACE)
        (self.data_dir / PERMISSION).touch()
        self.env = environment(
            self.data_dir,
            HARNESS_WORKSPACE=str(folder),
            HARNESS_LEASE_SECONDS=str(LEASE_SECONDS),
            DJANGO_SETTINGS_MODULE="harness_site.settings",
        )
        migrate(self.env)

    def fill(self) -> None:
        """Adds runs of long ago."""
        self._run(sys.executable, "-m", "tests.crash.past", cwd=MANAGE.parent)

    def in_turn(self, *lines: str) -> list[str]:
        """What these commands say, one after the other in one process; each must succeed."""
        done = self._run(sys.executable, "-m", "tests.crash.in_turn", *lines, cwd=MANAGE.parent)
        said: list[str] = json.loads(done)
        return said

    def dies(self, fault: str, *words: str) -> None:
        """`manage.py …` is killed at the point."""
        done = subprocess.run(
            [sys.executable, MANAGE, *words],
            env={**self.env, VARIABLE: fault},
            capture_output=True,
            timeout=120,
        )
        assert done.returncode == -signal.SIGKILL, done.stderr.decode()

    def _run(self, *words: object, cwd: Path | None = None) -> str:
        done = subprocess.run(
            [str(word) for word in words], env=self.env, cwd=cwd, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """One for all points."""
    return Installation(tmp_path_factory.mktemp("maintenance-points"))


@pytest.mark.parametrize("fault", POINTS)
def test_a_later_pass_finishes_what_was_cut_off(place: Installation, fault: str) -> None:
    place.fill()
    place.dies(fault, "maintain", POINTS[fault])
    between, _, _, _, after, dry = place.in_turn(
        "verify",
        f"wait {LEASE_SECONDS * LEASES}",
        "sweep",  # the workers do this by themselves
        "maintain",
        "verify",
        "maintain --dry-run --json",
    )
    assert "no differences" in between
    assert "no differences" in after
    assert [each["done"] for each in json.loads(dry) if any(each["done"].values())] == []
    assert list((place.data_dir / "threads").iterdir()) == [], "the files of old threads are gone"


def test_a_sweep_finishes_a_deletion_in_batches(place: Installation) -> None:
    place.fill()
    place.dies("delete.events", "shell", "-c", FEW_AT_A_TIME)
    between, _, after = place.in_turn("verify", "sweep", "verify")
    assert "no differences" in between, "nobody misses or sees the events that are left"
    assert "no differences" in after
    assert len(list((place.data_dir / "threads").iterdir())) == THREADS - 1


FEW_AT_A_TIME = """
from runtime.journal import threads
from runtime.models import Run
threads.EVENTS = 2
old = [run for run in Run.objects.filter(state="completed") if run.thread.folder.exists()]
threads.delete_thread(old[0].thread_id, deleted_by="test", source="command")
"""

"""Fills a migrated installation with ended runs of long ago: `python -m tests.crash.past`."""

from __future__ import annotations

import django

THREADS = 3


def fill() -> None:
    """Old threads with a file each, a young one, and one in which a run waits."""
    from runtime.models import Run
    from tests.upkeep.conftest import date, ended, waiting

    for _ in range(THREADS):
        run = ended(40)
        ended(40, thread_id=run.thread_id)
        folder = run.thread.folder / "files"
        folder.mkdir(parents=True)
        (folder / "kept.txt").write_text("kept")
    ended(1)
    young = ended(8)
    date(ended(8, thread_id=young.thread_id), 8)
    approval = waiting(thread_id=ended(40).thread_id)
    assert Run.objects.get(pk=approval.run_id).state == "waiting_for_approval"


if __name__ == "__main__":
    django.setup()
    fill()

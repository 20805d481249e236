"""Deleting a thread: its rows in one transaction, with a tombstone; then its files, by whoever comes by."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from django.db import connection

from runtime.journal.transaction import unit
from runtime.lifecycle import RunState
from runtime.models import Run, Thread, Tombstone
from runtime.models.thread import thread_folder
from runtime.tools.remove import remove_tree

#: States in which something may still happen outside: a thread with such a run is not deleted.
BUSY = (RunState.QUEUED, RunState.RUNNING, RunState.WAITING_FOR_CHILD, RunState.IN_DOUBT)

# Children first. Decisions stay in the audit, without what they say about the arguments.
_TABLES = (
    "events",
    "recovery_intents",
    "approvals",
    "tool_calls",
    "checkpoints",
    "artifacts",
    "thread_messages",
    "run_requests",
    "runs",
)


class ThreadBusy(Exception):
    """A run of the thread is queued, running, waiting for a child or in doubt; `str()` is its state."""


def delete_thread(thread_id: str, *, deleted_by: str, source: str, address: str = "") -> bool:
    """False when there is no such thread. Else its rows are gone durably, and its files as soon as may be.

    Raises ThreadBusy; a run that waits for an approval is cancelled with it.
    """
    with unit():
        runs = Run.objects.filter(thread_id=thread_id)
        # All of them, whatever their state: nobody may be about to move one.
        list(runs.order_by("run_id").select_for_update(no_key=True).values_list("run_id"))
        if Thread.objects.select_for_update().filter(pk=thread_id).first() is None:
            return False
        # Looked at only now: a run may have been added before its thread was locked.
        busy = runs.filter(state__in=[state.value for state in BUSY]).values_list("state", flat=True).first()
        if busy is not None:
            raise ThreadBusy(busy)
        counts = _delete_rows(thread_id)
        Tombstone.objects.create(
            thread_id=thread_id, deleted_by=deleted_by, source=source, address=address, counts=counts
        )
    finish_deletion(thread_id)
    return True


def finish_deletion(thread_id: str) -> bool:
    """Removes what is left of a deleted thread's files; safe to call again after a crash. False while some
    are left, or when the thread was not deleted."""
    if not Tombstone.objects.filter(pk=thread_id).exists():
        return False
    folder = thread_folder(thread_id)
    _remove(folder)
    gone = not folder.exists()
    Tombstone.objects.filter(pk=thread_id).update(files_left=not gone)
    return gone


def _delete_rows(thread_id: str) -> dict[str, int]:
    counts = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE decisions SET reason = '', content = NULL, arguments_before = NULL, "
            "arguments_after = NULL WHERE thread_id = %s",
            [thread_id],
        )
        for column in ("parent_run_id", "retried_from_id", "forked_from_id"):
            cursor.execute(
                f"UPDATE runs SET {column} = NULL WHERE {column} IN "  # noqa: S608 - our names
                "(SELECT run_id FROM runs WHERE thread_id = %s)",
                [thread_id],
            )
        for table in (*_TABLES, "threads"):
            cursor.execute(f"DELETE FROM {table} WHERE thread_id = %s", [thread_id])  # noqa: S608 - our names
            counts[table] = cursor.rowcount
    return counts


def _remove(folder: Path) -> None:
    """Removes a folder; symbolic links in it are removed, never followed."""
    with suppress(OSError):
        remove_tree(folder)

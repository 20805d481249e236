"""Deleting a thread. One transaction removes it from sight and leaves a tombstone; then whoever comes by
removes what is left of it: its events, in small batches, and its files."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from django.db import connection

from runtime.faults import Point, reach
from runtime.journal.transaction import unit
from runtime.lifecycle import RunState
from runtime.models import Run, Thread, Tombstone
from runtime.models.thread import has_folder, thread_folder
from runtime.tools.remove import remove_tree

#: States in which something may still happen outside: a thread with such a run is not deleted.
BUSY = (RunState.QUEUED, RunState.RUNNING, RunState.WAITING_FOR_CHILD, RunState.IN_DOUBT)

# Children first; the events are taken away afterwards. Decisions stay in the audit, without what they say
# about the arguments.
_TABLES = (
    "recovery_intents",
    "approvals",
    "tool_calls",
    "checkpoints",
    "artifacts",
    "thread_messages",
    "run_requests",
    "runs",
)


EVENTS = 500  #: that one transaction removes
_DELETE_EVENTS = """
DELETE FROM events WHERE id IN (SELECT id FROM events WHERE thread_id = %s ORDER BY run_id, sequence LIMIT %s)
"""


class ThreadBusy(Exception):
    """A run of the thread is queued, running, waiting for a child or in doubt; `str()` is its state."""


class ThreadHeld(Exception):
    """The thread is held; `str()` says by whom, since when and why."""


def delete_thread(
    thread_id: str,
    *,
    deleted_by: str,
    source: str,
    address: str = "",
    still: Callable[[], bool] = lambda: True,
    breathe: Callable[[], None] = lambda: None,
) -> bool:
    """False when there is no such thread. Else it is gone durably, its events and files as soon as may be.

    Raises ThreadHeld, and ThreadBusy; a run that waits for an approval is cancelled with it. `still`: asked
    when nothing of the thread can change any more; when it says no, nothing is deleted and the answer is
    False. `breathe` is called after each transaction.
    """
    belongings = Thread.objects.filter(pk=thread_id).belongings()
    with unit():
        runs = Run.objects.filter(thread_id=thread_id)
        # All of them, whatever their state: nobody may be about to move one.
        list(runs.order_by("run_id").select_for_update(no_key=True).values_list("run_id"))
        thread = (
            Thread.objects.select_for_update(of=("self",)).select_related("hold").filter(pk=thread_id).first()
        )
        if thread is None:
            return False
        if thread.hold is not None:
            raise ThreadHeld(str(thread.hold))
        # Looked at only now: a run may have been added before its thread was locked.
        busy = runs.filter(state__in=[state.value for state in BUSY]).values_list("state", flat=True).first()
        if busy is not None:
            raise ThreadBusy(busy)
        if not still():
            return False
        counts = {**_delete_rows(thread_id), "events": belongings["events"], "bytes": belongings["bytes"]}
        Tombstone.objects.create(
            thread_id=thread_id, deleted_by=deleted_by, source=source, address=address, counts=counts
        )
        reach(Point.DELETE_WRITTEN)
    reach(Point.DELETE_COMMITTED)
    breathe()
    finish_deletion(thread_id, breathe)
    return True


def finish_deletion(thread_id: str, breathe: Callable[[], None] = lambda: None) -> bool:
    """Removes what is left of a deleted thread's events and files; safe to call again after a crash. False
    while some are left, or when the thread was not deleted."""
    if not Tombstone.objects.filter(pk=thread_id).exists():
        return False
    while _delete_events(thread_id) == EVENTS:
        reach(Point.DELETE_EVENTS)
        breathe()
    _remove(thread_folder(thread_id))
    gone = not has_folder(thread_id)
    reach(Point.DELETE_FILES_GONE)
    Tombstone.objects.filter(pk=thread_id).update(files_left=not gone)
    return gone


def _delete_events(thread_id: str) -> int:
    """A batch of them. Nobody sees them any more; a power cut may bring some back until the next sweep."""
    with unit(durable=False), connection.cursor() as cursor:
        cursor.execute(_DELETE_EVENTS, [thread_id, EVENTS])
        return int(cursor.rowcount)


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

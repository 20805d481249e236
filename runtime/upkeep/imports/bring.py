"""The import: thread by thread, in short transactions, with a few hundred rows in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TypeVar

from runtime.journal import imported as journal
from runtime.models import Run, ThreadMessage
from runtime.upkeep.imports import files, rows
from runtime.upkeep.imports.report import Report
from runtime.upkeep.imports.rows import Skip
from runtime.upkeep.imports.source import CutOff, Row, Source, opened

BATCH = 500
TAKEN = (journal.NEW, journal.UPDATED, journal.THERE)
Made = TypeVar("Made")


def import_reference(path: Path, *, told: Callable[[Report], None] = lambda report: None) -> Report:
    """Brings everything along that can be; `told` hears after each thread. Raises NotImportable, and then
    nothing was written, or CutOff. Safe to repeat, also after it was cut off."""
    report = Report()
    try:
        with opened(path) as source:
            for row in source.threads():
                _Threads(source, report).bring(row)
                told(report)
            for table, example, reason, count in source.orphans():
                report.skip(table, example, reason, count)
    except CutOff as error:
        error.report = report
        raise
    return report


@dataclass
class _Threads:
    """One thread at a time."""

    source: Source
    report: Report
    runs: dict[str, Run] = field(default_factory=dict)  #: those that were taken
    newer: set[str] = field(default_factory=set)  #: those that somebody has acted on here

    def bring(self, row: Row) -> None:
        """The thread with everything in it."""
        with _noting(self.report, "threads", row["thread_id"]):
            thread = rows.thread(row)
            self._count("threads", thread.pk, journal.bring_thread(thread))
            for each in self.source.runs(thread.pk):
                with _noting(self.report, "runs", each["run_id"]):
                    self._bring_run(each)
            self._bring_messages(thread.pk)
            for run in self.runs.values():
                self._bring_belongings(run)

    def _bring_run(self, row: Row) -> None:
        asked = self.source.has_pending(str(row["run_id"]))
        run = rows.run(row, asked=asked, now=datetime.now(UTC))
        request = None
        for each in self.source.of_run("run_requests", run.thread_id, run.pk):
            with _noting(self.report, "run_requests", run.pk):
                request = rows.request(each)
                run.title = rows.title(request.request_json.get("input", ""))
        verdict = journal.bring_run(run, request)
        if verdict == journal.NEWER:
            self.newer.add(run.pk)
        self._count("runs", run.pk, verdict)
        self.runs[run.pk] = run
        if request is not None:
            self._count("run_requests", run.pk, verdict)
        if run.error and verdict == journal.NEW:
            self.report.notes["run that had not ended and cannot be taken over; it is failed here"] += 1

    def _bring_messages(self, thread_id: str) -> None:
        """Those that are here already are the first ones: messages are only ever added."""
        left = journal.count_messages(thread_id)
        made = self._made("thread_messages", "id", self.source.messages(thread_id), self._message)
        for batch in _batches(made):
            here = min(left, len(batch))
            fresh = [message for message in batch[here:] if message.run_id not in self.newer]
            self.report.there["thread_messages"] += here
            left -= here
            self.report.imported["thread_messages"] += journal.bring_messages(fresh)
        for run in self.runs.values():
            journal.say_output(run.pk)

    def _message(self, row: Row) -> ThreadMessage | None:
        message = rows.message(row)
        # One of a run that stays out is counted with it.
        known = message.run_id is None or message.run_id in self.runs or message.run_id in self.newer
        return message if known else None

    def _bring_belongings(self, run: Run) -> None:
        self._bring_events(run)
        for row in self._rows("approvals", run):
            with _noting(self.report, "approvals", row["approval_id"]):
                approval, call = rows.approval(row, run)
                self._count("approvals", approval.pk, journal.bring_approval(approval, call))
        for row in self._rows("recovery_intents", run):
            with _noting(self.report, "recovery_intents", run.pk):
                self._count("recovery_intents", run.pk, journal.bring_intent(rows.intent(row)))
        for row in self._rows("artifacts", run):
            with _noting(self.report, "artifacts", row["artifact_id"]):
                artifact = rows.artifact(row)
                if not journal.has_artifact(artifact):
                    files.bring(artifact, self.source.folder)
                self._count("artifacts", artifact.pk, journal.bring_artifact(artifact))

    def _bring_events(self, run: Run) -> None:
        seen = -1
        made = self._made("events", "sequence", self._rows("events", run), rows.event)
        for batch in _batches(made):
            fresh = []
            for event in batch:
                if event[0] == seen:
                    self.report.skip("events", f"{run.pk}/{seen}", "its sequence is repeated")
                    continue
                seen = event[0]
                fresh.append(event)
            written = journal.bring_events(run.pk, fresh)
            self.report.imported["events"] += written
            self.report.there["events"] += len(fresh) - written

    def _rows(self, table: str, run: Run) -> Iterator[Row]:
        return self.source.of_run(table, run.thread_id, run.pk)

    def _made(
        self, table: str, key: str, found: Iterable[Row], make: Callable[[Row], Made | None]
    ) -> Iterator[Made]:
        """What can be made of the rows; what cannot is reported."""
        for row in found:
            with _noting(self.report, table, row[key]):
                made = make(row)
                if made is not None:
                    yield made

    def _count(self, table: str, key: object, verdict: str) -> None:
        """Raises Skip for a verdict that is a reason."""
        if verdict not in TAKEN:
            raise Skip(verdict)
        counts = {
            journal.NEW: self.report.imported,
            journal.UPDATED: self.report.updated,
            journal.THERE: self.report.there,
        }
        counts[verdict][table] += 1


class _noting:  # noqa: N801 - used as `with`, as a function would be
    """Reports a row that is skipped in the block, and goes on after it."""

    def __init__(self, report: Report, table: str, row: object) -> None:
        self._report, self._table, self._row = report, table, row

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, Skip):
            return False
        self._report.skip(self._table, self._row, str(error))
        return True


def _batches(made: Iterable[Made]) -> Iterator[list[Made]]:
    found = iter(made)
    while batch := list(islice(found, BATCH)):
        yield batch

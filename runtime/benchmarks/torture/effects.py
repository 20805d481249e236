"""What was really run: the lines of the witnesses against the calls and decisions in the records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from runtime.benchmarks.torture.stories import lines, mark_of
from runtime.lifecycle import CallState
from runtime.models import DecisionRecord, Thread, ToolCall

#: What a call that ran may be; a cancel stops one that has started.
RAN = (
    CallState.STARTED,
    CallState.COMPLETED,
    CallState.FAILED,
    CallState.IN_DOUBT,
    CallState.CANCELLED,
)


def effect_problems(exact: bool) -> tuple[int, list[str]]:
    """How many effects were seen, and what is wrong with them."""
    seen = 0
    problems: list[str] = []
    grants = _grants()
    for thread_id in Thread.objects.values_list("thread_id", flat=True):
        witnessed = Counter(lines(Path(settings.DATA_DIR), thread_id))
        seen += witnessed.total()
        calls = ToolCall.objects.filter(thread_id=thread_id, tool_name="execute").exclude(arguments_json=None)
        problems += _problems(list(calls), witnessed, grants, exact)
    return seen, problems


def _grants() -> Counter[str]:
    """How often a person let each call run."""
    given = DecisionRecord.objects.filter(decision__in=("approve", "edit"))
    return Counter(given.values_list("tool_call_id", flat=True))


def _problems(
    calls: list[ToolCall], witnessed: Counter[str], grants: Counter[str], exact: bool
) -> Iterator[str]:
    known = set()
    for call in calls:
        mark = mark_of((call.arguments or {}).get("command", ""))
        known.add(mark)
        times, granted = witnessed[mark], grants[call.tool_call_id]
        if call.attempt > granted:
            yield f"Call {call.tool_call_id} was started {call.attempt} times with {granted} grants."
        if times > (1 if exact else call.attempt):
            yield f"Call {call.tool_call_id} ran {times} times, started {call.attempt} times."
        if times and (not call.attempt or (exact and call.state not in RAN)):
            yield f"Call {call.tool_call_id} ran, but is {call.state}."
        if call.state == CallState.COMPLETED and not times and call.duration_ms is not None:
            yield f"Call {call.tool_call_id} is completed and did not run."
    for mark in witnessed.keys() - known:
        yield f"The line {mark!r} was written by no call."

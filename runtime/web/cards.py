"""Tool calls as cards: what would run or ran, why it was asked, who decided, and the form to decide with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from runtime import catalogue
from runtime.models import Approval, Artifact, DecisionRecord, ToolCall
from runtime.web import arguments as args
from runtime.web.diff import Line, numbered
from runtime.web.text import quote

INLINE = 4_000  #: characters of arguments that are shown whole inside a transcript
RESULT = 6_000  #: characters of a result that a transcript shows; the call's page has all


@dataclass(frozen=True, slots=True)
class Typed:
    """What a person sent with a decision that was refused, and why."""

    decision: str
    problem: str
    reason: str = ""
    content: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    seen: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """One tool call with everything around it."""

    call: ToolCall
    sentence: str
    values: list[args.Value]
    whole: bool  #: False: too long to be shown inside a transcript
    hidden: Mapping[str, int]
    approval: Approval | None = None
    decision: DecisionRecord | None = None
    artifacts: tuple[Artifact, ...] = ()
    diff: list[Line] = field(default_factory=list)  #: of a write, against the file as it is now
    diff_note: str = ""  #: why there is no diff, or what it leaves out
    fields: list[args.Field] = field(default_factory=list)
    typed: Typed | None = None

    @property
    def hidden_count(self) -> int:
        """Characters that a reader would not see."""
        return sum(self.hidden.values())

    @property
    def hidden_names(self) -> str:
        """ "2 × U+202E, 1 × U+200B"."""
        return ", ".join(f"{count} × {name}" for name, count in self.hidden.items())

    @property
    def pending(self) -> bool:
        """Whether a person is asked."""
        return self.approval is not None and self.approval.status == "pending"

    @property
    def edited(self) -> list[args.Value]:
        """The model's own arguments, when a reviewer changed them."""
        if self.decision is None or self.decision.decision != "edit":
            return []
        return args.values(self.decision.arguments_before or {})

    @property
    def outcome(self) -> str:
        """The result or error as the transcript shows it."""
        return (self.call.result or self.call.error or self.call.answer or "")[:RESULT]

    @property
    def more(self) -> int:
        """Characters of the outcome that the transcript does not show."""
        return max(0, len(self.call.result or self.call.error or self.call.answer or "") - RESULT)

    def allows(self) -> list[str]:
        """The decisions that the rule allows."""
        return list(self.approval.allowed_decisions_json) if self.approval else []


def of_calls(calls: Iterable[ToolCall], artifacts: Mapping[str, list[Artifact]] | None = None) -> list[Card]:
    """Cards of calls, their approvals and decisions read with two queries."""
    rows = list(calls)
    # In order: the newest counts when a call was asked about again.
    asked = Approval.objects.filter(tool_call__in=rows).select_related("thread").in_order()
    approvals = {approval.tool_call_id: approval for approval in asked}
    ids = [approval.approval_id for approval in approvals.values()]
    decisions = {d.approval_id: d for d in DecisionRecord.objects.filter(approval_id__in=ids).order_by("id")}
    return [_card(call, approvals.get(call.tool_call_id), decisions, (artifacts or {})) for call in rows]


def _card(
    call: ToolCall,
    approval: Approval | None,
    decisions: Mapping[str, DecisionRecord],
    artifacts: Mapping[str, list[Artifact]],
) -> Card:
    decision = decisions.get(approval.approval_id) if approval else None
    return make(call, approval, decision, tuple(artifacts.get(call.tool_call_id, ())))


def make(
    call: ToolCall,
    approval: Approval | None,
    decision: DecisionRecord | None = None,
    artifacts: tuple[Artifact, ...] = (),
    typed: Typed | None = None,
) -> Card:
    """One card; the diff and the edit form only while a person is asked."""
    arguments: dict[str, Any] | None = call.arguments
    pending = approval is not None and approval.status == "pending"
    given = arguments or {}
    lines, note = _diff(approval, call.tool_name, given) if pending and approval else ([], "")
    return Card(
        call=call,
        sentence=call_sentence(call.tool_name, arguments),
        values=args.values(given, approval.arguments_schema_json if approval else None),
        whole=len(call.arguments_json or call.raw_arguments) <= INLINE,
        hidden=args.hidden_in({"": call.tool_name, **given}) if arguments is not None else {},
        approval=approval,
        decision=decision,
        artifacts=artifacts,
        diff=lines,
        diff_note=note,
        fields=_fields(approval, given, typed) if pending and approval else [],
        typed=typed,
    )


def call_sentence(tool: str, arguments: Mapping[str, Any] | None) -> str:
    """What the call would do, in words."""
    if arguments is None:
        return f"Call {quote(tool)} with arguments that are not JSON"
    return catalogue.sentence(tool, arguments)


def _diff(approval: Approval, tool: str, arguments: Mapping[str, Any]) -> tuple[list[Line], str]:
    found = catalogue.preview(tool, approval.thread.folder / "files", arguments)
    if found is None:
        return [], ""
    cut = f"{found.hidden:,} more lines of the comparison are not shown; the arguments below are whole."
    lines = numbered(found.lines)
    if not any(line.kind in ("same", "cut") for line in lines):
        lines = []  # a new file: the argument below is all of it
    return lines, " ".join(part for part in (found.note, cut if found.hidden else "") if part)


def _fields(approval: Approval, arguments: dict[str, Any], typed: Typed | None) -> list[args.Field]:
    editing = typed if typed is not None and typed.decision == "edit" else None
    return args.fields(
        arguments,
        approval.arguments_schema_json,
        typed=editing.fields if editing else None,
        errors=editing.errors if editing else None,
    )

"""Tool calls as cards: what would run or ran, why it was asked, who decided, and the form to decide with."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from runtime import canonical, catalogue, redaction
from runtime.lifecycle import ApprovalStatus
from runtime.models import Approval, DecisionRecord, Event, ToolCall
from runtime.web import arguments as args
from runtime.web import diff
from runtime.web.diff import Line
from runtime.web.text import quote, show_masked

INLINE = 4_000  #: characters of arguments that are shown whole inside a transcript
RESULT = 6_000  #: characters of a result that a transcript shows; the call's page has all
FRAME = 2_000  #: characters of HTML around arguments and result, about
READ = 400_000  #: characters of arguments that are read for a sentence


@dataclass(frozen=True, slots=True)
class Typed:
    """What a person sent with a decision that was refused, and why."""

    decision: str
    problem: str
    reason: str = ""
    content: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    seen: bool = False  #: the hidden characters, by a tick
    sure: bool = False  #: that it cannot be undone, by a tick
    all_shown: bool = False  #: all that will run was on the screen

    @property
    def text(self) -> str:
        """What is lost when the decision is not recorded."""
        edits = "\n".join(f"{name}: {text}" for name, text in self.fields.items())
        return {"reject": self.reason, "respond": self.content, "edit": edits}.get(self.decision, "")


@dataclass(frozen=True, slots=True)
class Card:
    """One tool call with everything around it."""

    call: ToolCall
    sentence: str
    values: list[args.Value]
    whole: bool  #: False: the arguments are too long to be shown inside a transcript, and not read for it
    hidden: Mapping[str, int]
    approval: Approval | None = None
    decision: DecisionRecord | None = None
    diff: list[Line] = field(default_factory=list)  #: of a write, against the file as it is now
    diff_note: str = ""  #: why there is no diff, or what it leaves out
    fields: list[args.Field] = field(default_factory=list)
    typed: Typed | None = None
    brief: bool = False  #: True: there was no room for the result
    cancelled_by: str = ""  #: who cancelled the run that asked, when that settled the approval
    masked: int = 0  #: different values on it that look secret
    revealed: bool = False  #: they are shown

    @property
    def title(self) -> str:
        """The sentence as a browser may keep it."""
        return row_sentence(self.call)

    @property
    def hidden_count(self) -> int:
        """Characters that a reader would not see."""
        return sum(self.hidden.values())

    @property
    def hidden_names(self) -> str:
        """ "2 × U+202E, 1 × U+200B"."""
        return ", ".join(f"{count} × {name}" for name, count in self.hidden.items())

    @property
    def is_json(self) -> bool:
        """Whether what the model sent can be read, though it may fit no tool."""
        return _is_json(self.call)

    @property
    def pending(self) -> bool:
        """Whether a person is asked."""
        return self.approval is not None and self.approval.status == "pending"

    @property
    def irreversible(self) -> bool:
        """Whether nothing takes back what the call does."""
        return catalogue.irreversible(self.call.tool_name)

    @property
    def edited(self) -> list[args.Value]:
        """The model's own arguments, when a reviewer changed them."""
        if self.decision is None or self.decision.decision != "edit":
            return []
        return args.values(self.decision.arguments_before or {})

    @property
    def outcome(self) -> str:
        """The result or error as the transcript shows it."""
        return "" if self.brief else _outcome(self.call)[: _cut(_outcome(self.call))]

    @property
    def more(self) -> int:
        """Characters of the outcome that the transcript does not show."""
        return len(_outcome(self.call)) - len(self.outcome)

    def allows(self) -> list[str]:
        """The decisions that the rule allows."""
        return list(self.approval.allowed_decisions_json) if self.approval else []


def of_calls(
    calls: Iterable[ToolCall],
    *,
    inline: bool = False,
    brief: Collection[str] = frozenset(),
    revealed: bool = False,
) -> list[Card]:
    """Cards of calls, their approvals and decisions read with two queries. `inline`: for a transcript, where
    long arguments are not shown; `brief`: the ids of those for which it has no room at all."""
    rows = list(calls)
    # In order: the newest counts when a call was asked about again.
    asked = Approval.objects.filter(tool_call__in=rows).select_related("thread").in_order()
    approvals = {approval.tool_call_id: approval for approval in asked}
    ids = [approval.approval_id for approval in approvals.values()]
    decisions = {d.approval_id: d for d in DecisionRecord.objects.filter(approval_id__in=ids).order_by("id")}
    found = []
    for call in rows:
        approval = approvals.get(call.tool_call_id)
        decision = decisions.get(approval.approval_id) if approval else None
        if call.pk in brief or (inline and not _fits(call, decision)):
            sentence = row_sentence(call)
            by, is_brief = cancelled_by(approval), call.pk in brief
            found.append(
                Card(call, sentence, [], False, {}, approval, decision, brief=is_brief, cancelled_by=by)
            )
        else:
            found.append(make(call, approval, decision, revealed=revealed))
    return found


def weight(call: ToolCall) -> int:
    """The characters of HTML that a transcript shows of a call, about: three times its arguments, which may
    stand there as values, as a comparison and in the form."""
    sent = show_masked(_sent(call)) if _fits(call) else ""
    return FRAME + 3 * len(sent) + len(show_masked(_outcome(call)[:RESULT]))


def make(
    call: ToolCall,
    approval: Approval | None,
    decision: DecisionRecord | None = None,
    typed: Typed | None = None,
    *,
    revealed: bool = False,
) -> Card:
    """One card; the diff and the edit form only while a person is asked. `revealed`: nothing is masked."""
    arguments: dict[str, Any] | None = call.arguments
    pending = approval is not None and approval.status == "pending"
    given = arguments or {}
    lines, note = _diff(approval, call.tool_name, given) if pending and approval else ([], "")
    card = Card(
        call=call,
        sentence=_sentence(call, masked=not revealed),
        values=args.values(given, _schema(call, approval)),
        whole=True,
        hidden=args.hidden_in({"": call.tool_name, **given}) if arguments is not None else {},
        approval=approval,
        decision=decision,
        diff=lines,
        diff_note=note,
        fields=_fields(approval, given, typed, revealed) if pending and approval else [],
        typed=typed,
        cancelled_by=cancelled_by(approval),
        revealed=revealed,
    )
    shown = [replace(line, finds=[]) for line in lines] if revealed else lines
    return replace(card, masked=len(_secrets(card)), diff=shown)


def _schema(call: ToolCall, approval: Approval | None) -> Mapping[str, Any] | None:
    """By which the arguments stand in the same order on every card."""
    return approval.arguments_schema_json if approval else catalogue.parameters(call.tool_name)


def call_sentence(tool: str, arguments: Mapping[str, Any] | None, *, masked: bool = True) -> str:
    """What the call would do, in words."""
    if arguments is None:
        return f"Call {quote(tool)} with arguments that are not JSON"
    return catalogue.sentence(tool, arguments, masked=masked)


def _secrets(card: Card) -> set[str]:
    """What looks secret on it, each value once."""
    texts = [text for value in (*card.values, *card.edited) for text in (value.name, value.text)]
    if card.call.arguments_json is None:
        texts.append(card.call.raw_arguments)
    texts.append(_outcome(card.call)[:READ])
    found = {text[begin:end] for text in texts for begin, end in redaction.looks_secret(text)}
    return found.union(*(line.secrets for line in card.diff))


def _sentence(call: ToolCall, *, masked: bool = True) -> str:
    arguments: dict[str, Any] | None = call.arguments
    if arguments is not None or not _is_json(call):
        return call_sentence(call.tool_name, arguments, masked=masked)
    if not call.tool_version:  # only a tool that is known has one
        return f"Call a tool that does not exist: {quote(call.tool_name)}"
    return f"Call {quote(call.tool_name)} with arguments that are not an object"


def _is_json(call: ToolCall) -> bool:
    try:
        canonical.parse(call.raw_arguments)
    except canonical.BadJson:
        return False
    return True


def cancelled_by(approval: Approval | None) -> str:
    """Who cancelled the run, when that settled the approval: its own record names nobody."""
    if approval is None or approval.status != ApprovalStatus.CANCELLED:
        return ""
    return Event.objects.cancelled_by(approval.run_id)


def row_sentence(call: ToolCall) -> str:
    """The same where it is one of many: very long arguments are not read for it."""
    size = len(call.arguments_json or "")
    if size > READ:
        return f"Call {quote(call.tool_name)} with arguments of {size:,} characters"
    return _sentence(call)


def _sent(call: ToolCall) -> str:
    return str(call.arguments_json or call.raw_arguments)


def _outcome(call: ToolCall) -> str:
    return str(call.result or call.error or call.answer or "")


def _cut(text: str) -> int:
    """Where a transcript cuts a result: not within what looks secret, whose half would not."""
    found = redaction.looks_secret(text[: 2 * RESULT])
    return next((begin for begin, end in found if begin < RESULT < end), RESULT)


def _fits(call: ToolCall, decision: DecisionRecord | None = None) -> bool:
    """Whether a transcript shows the arguments: short ones, also with all their marks and escapes."""
    texts = [_sent(call)]
    if decision and decision.arguments_before:
        texts.append(json.dumps(decision.arguments_before, ensure_ascii=False))
    return all(len(text) <= INLINE and len(show_masked(text)) <= 3 * INLINE for text in texts)


def _diff(approval: Approval, tool: str, arguments: Mapping[str, Any]) -> tuple[list[Line], str]:
    found = catalogue.preview(tool, approval.thread.folder / "files", arguments)
    if found is None:
        return [], ""
    cut = f"{found.hidden:,} more lines of the comparison are not shown; the arguments below are whole."
    lines = diff.mask(diff.numbered(found.lines), found.old, found.new)
    if not any(line.kind in ("same", "cut") for line in lines):
        lines = []  # a new file: the argument below is all of it
    return lines, " ".join(part for part in (found.note, cut if found.hidden else "") if part)


def _fields(
    approval: Approval, arguments: dict[str, Any], typed: Typed | None, revealed: bool
) -> list[args.Field]:
    editing = typed if typed is not None and typed.decision == "edit" else None
    return args.fields(
        arguments,
        approval.arguments_schema_json,
        typed=editing.fields if editing else None,
        errors=editing.errors if editing else None,
        revealed=revealed,
    )

"""An event as a row of HTML: the same for everyone, rendered once for all who watch, escaped, on one line.

What looks secret is masked: an answer, an error or the name of a file may repeat what a call holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.utils import timezone
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from runtime.events import EventType as E
from runtime.events import from_iso, iso
from runtime.redaction import mask
from runtime.web import text
from runtime.web.tags import model_word, seconds, state_word, thousands
from runtime.web.text import quote

Event = Mapping[str, Any]
QUOTE = 240


def render_row(event: Event) -> SafeString:
    """One `<li>` of the list of events; `event` is `event_json` parsed. Never raises for what is in it."""
    kind = str(event.get("type", ""))
    name, icon, tell = _ROWS.get(kind, (kind, "circle-dot", _nothing))
    try:
        detail = text.show(tell(event)).replace("\n", " ")
    except (AttributeError, TypeError, ValueError, RecursionError):
        # Another program's event, which only shares the name.
        detail = text.show(quote(_masked({k: v for k, v in event.items() if k != "type"}), QUOTE))
    given = event.get("sequence")
    number = given if isinstance(given, int) else 0
    row = (
        f'<li class="event" id="e-{number}" data-type="{escape(kind)}">'
        f'<span class="event-no">{number}</span>'
        f'<svg class="icon" aria-hidden="true"><use href="#i-{icon}"/></svg>'
        f'<span class="event-what"><strong>{escape(name)}</strong> <span>{detail}</span></span>'
        f"{_time(str(event.get('timestamp', '')))}</li>"
    )
    return mark_safe(row)  # noqa: S308 - every part above is escaped or ours


def _time(stamp: str) -> str:
    """The time of day, with the date when that is another day: events of one moment are told apart."""
    try:
        exact = iso(from_iso(stamp))
    except ValueError:
        return ""
    day, time = exact[:10], f"{exact[11:19]} UTC"
    said = time if day == iso(timezone.now())[:10] else f"{day} {time}"
    return f'<time datetime="{exact}" data-form="seconds" title="{day} {time}">{said}</time>'


def _nothing(_: Event) -> str:
    return ""


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def _said(event: Event, name: str, before: str = "") -> str:
    value = event.get(name)
    if isinstance(value, list):
        value = ", ".join(str(part) for part in value)
    return f"{before}{quote(_masked(value), QUOTE)}" if value not in (None, "") else ""


def _masked(value: Any) -> Any:
    """Before it is cut: of the half of a secret nobody can tell that it is one."""
    if isinstance(value, str):
        return mask(value)
    try:
        return mask(repr(value))
    except RecursionError:
        return value  # `quote` says so


def _created(event: Event) -> str:
    return _joined(
        _said(event, "agent_id"), _said(event, "requested_by", "by "), _said(event, "source", "via ")
    )


def _moved(event: Event) -> str:
    return _joined(state_word(str(event.get("to", ""))), _queued(event), _said(event, "worker"))


def _queued(event: Event) -> str:
    return _joined(_said(event, "reason"), _said(event, "next_try_at", "not before "))


def _claimed(event: Event) -> str:
    return _said(event, "worker", "by ")


def _cancelled(event: Event) -> str:
    return _joined(
        _said(event, "requested_by", "by "), _said(event, "reason"), _said(event, "stopped", "stopped: ")
    )


def _model(event: Event) -> str:
    usage = event.get("usage")
    tokens = ""
    if isinstance(usage, Mapping) and (usage.get("input_tokens") or usage.get("output_tokens")):
        tokens = f"{thousands(usage.get('input_tokens'))} in, {thousands(usage.get('output_tokens'))} out"
    attempt = event.get("attempt")
    again = f"attempt {attempt}" if isinstance(attempt, int) and attempt > 1 else ""
    took = event.get("duration_ms")
    return _joined(
        quote(model_word(str(event.get("model") or "")), QUOTE),
        again,
        seconds(took) if isinstance(took, int) else "",
        tokens,
        _said(event, "finish_reason"),
        _said(event, "error"),
    )


def _delta(event: Event) -> str:
    return quote(str(event.get("text", "")), QUOTE)


def _tool(event: Event) -> str:
    took = event.get("duration_ms")
    return _joined(
        _said(event, "tool_name"),
        seconds(took) if isinstance(took, int) else "",
        _said(event, "answered_by", "answered by "),
        _said(event, "resolved_by", "by "),
        _said(event, "outcome"),
        _said(event, "error") or _said(event, "result"),
    )


def _approval(event: Event) -> str:
    return _joined(
        _said(event, "tool_name"),
        _said(event, "decision"),
        _said(event, "decided_by", "by "),
        _said(event, "rule", "rule: "),
        _said(event, "reason"),
    )


def _artifact(event: Event) -> str:
    size = event.get("size")
    return _joined(_said(event, "path"), f"{thousands(size)} bytes" if isinstance(size, int) else "")


def _child(event: Event) -> str:
    return _joined(_said(event, "agent_id"), _said(event, "child_run_id"), _said(event, "state"))


_ROWS: Mapping[str, tuple[str, str, Callable[[Event], str]]] = {
    E.RUN_CREATED: ("Created", "plus", _created),
    E.RUN_QUEUED: ("Queued", "clock", _queued),
    E.RUN_DEQUEUED: ("Claimed", "play", _claimed),
    E.RUN_STATE_CHANGED: ("State changed", "circle-dot", _moved),
    E.RUN_RECOVERED: ("Recovered", "rotate-cw", _moved),
    E.RUN_CANCEL_REQUESTED: ("Cancelled", "ban", _cancelled),
    E.MODEL_STARTED: ("Model called", "sparkles", _model),
    E.MODEL_RETRIED: ("Model call retried", "rotate-cw", _model),
    E.MODEL_COMPLETED: ("Model answered", "sparkles", _model),
    E.MODEL_FAILED: ("Model failed", "circle-x", _model),
    E.OUTPUT_DELTA: ("Text", "sparkles", _delta),
    E.TOOL_STARTED: ("Tool started", "wrench", _tool),
    E.TOOL_COMPLETED: ("Tool completed", "circle-check", _tool),
    E.TOOL_FAILED: ("Tool failed", "circle-x", _tool),
    E.TOOL_IN_DOUBT: ("Outcome unknown", "circle-help", _tool),
    E.TOOL_RESOLVED: ("Outcome said", "check", _tool),
    E.APPROVAL_REQUESTED: ("Approval asked", "hand", _approval),
    E.APPROVAL_RESOLVED: ("Decided", "shield-check", _approval),
    E.APPROVAL_EXPIRED: ("Approval expired", "hourglass", _approval),
    E.ARTIFACT_CREATED: ("File kept", "file-text", _artifact),
    E.CHILD_STARTED: ("Subagent started", "git-branch", _child),
    E.CHILD_COMPLETED: ("Subagent ended", "git-branch", _child),
}

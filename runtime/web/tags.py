"""Template tags and filters of every page (a built-in library of the templates)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString

from runtime.diagnosis.words import age
from runtime.events import iso
from runtime.models import ToolCall
from runtime.redaction import Find
from runtime.web import hidden, text
from runtime.web.markdown import show_markdown

register = template.Library()
NEAR = timedelta(hours=1)  #: a deadline closer than this asks for care
_GOING_ON = re.compile(
    r"(Waiting |At work for |In doubt for |The model was asked |\S+ has been at work for )"
    r"((\d+) s|less than a second)(?!\w)"
)
_EXIT = re.compile(r"Exit code (\d+)\.")
_CLOCK = re.compile(r"((?:\d{4}-\d\d-\d\d )?\d\d:\d\d(?::\d\d)? UTC)")

#: What a state is called, and the icon that gives it its shape. The colour is in parts.css, by its name.
STATES: dict[str, tuple[str, str]] = {
    "queued": ("Queued", "clock"),
    "running": ("Running", "loader"),
    "waiting_for_approval": ("Waiting for approval", "hand"),
    "waiting_for_child": ("Waiting for a subagent", "git-branch"),
    "in_doubt": ("In doubt", "circle-help"),
    "completed": ("Completed", "circle-check"),
    "failed": ("Failed", "circle-x"),
    "cancelled": ("Cancelled", "ban"),
    # approvals
    "pending": ("Pending", "hand"),
    "approved": ("Approved", "check"),
    "edited": ("Edited", "pencil"),
    "rejected": ("Rejected", "x"),
    "responded": ("Answered", "reply"),
    "expired": ("Expired", "hourglass"),
    # health
    "healthy": ("Healthy", "circle-check"),
    "degraded": ("Degraded", "triangle-alert"),
    "unhealthy": ("Unhealthy", "circle-x"),
    "unknown": ("Unknown", "circle-help"),
    # tool calls
    "waiting": ("Waiting", "hand"),
    "granted": ("Ready to run", "clock"),
    "refused": ("Not run", "ban"),
    "answered": ("Answered", "reply"),
    "started": ("Running", "loader"),
}


@register.simple_tag
@cache
def icon(name: str, label: str = "") -> SafeString:
    """An icon of the sprite; with a label it speaks, without it is decoration."""
    if label:
        return format_html(
            '<svg class="icon" role="img" aria-label="{}"><use href="#i-{}"/></svg>', label, name
        )
    return format_html('<svg class="icon" aria-hidden="true"><use href="#i-{}"/></svg>', name)


@register.simple_tag
def state(name: str) -> SafeString:
    """The badge of a state: word, shape and colour."""
    return _badge(name) if name in STATES else _made_badge(name)


def _made_badge(name: str) -> SafeString:
    word, shape = STATES.get(name, (name.replace("_", " ").capitalize(), "circle-help"))
    return format_html(
        '<span class="state is-{}"><svg class="icon" aria-hidden="true"><use href="#i-{}"/></svg>{}</span>',
        name,
        shape,
        word,
    )


_badge = cache(_made_badge)


@register.filter
def failed_exit(call: ToolCall) -> str:
    """ "3" of a command that ended with another exit code than 0. The tool says the code first, before
    what was printed."""
    said = _EXIT.match(call.result or "") if call.tool_name == "execute" else None
    return said[1] if said and said[1] != "0" else ""


@register.filter
def state_word(name: str) -> str:
    """What a state is called."""
    return STATES.get(name, (name.replace("_", " ").capitalize(), ""))[0]


@register.filter
def model_word(name: str) -> str:
    """What a model is called: the demonstration model goes by its provider, which is no word for people."""
    return "demonstration model" if name == "scripted" else name


@register.filter
def show(value: Any) -> SafeString:
    """Untrusted text: escaped, hidden characters as `U+202E`."""
    return text.show("" if value is None else str(value))


@register.filter
def masked(value: Any, revealed: bool = False) -> SafeString:
    """`show` for what a tool call holds: what looks secret stands as a mask, unless it is revealed."""
    return show(value) if revealed else text.show_masked("" if value is None else str(value))


@register.filter
def covered(value: str, finds: list[Find]) -> SafeString:
    """The same where it is known what of it is masked."""
    return text.show(value, finds)


@register.filter
def ticked(value: Any) -> SafeString:
    """`show` for a sentence of ours or of a workspace: what stands in backticks is code."""
    parts = str(value).split("`")
    if len(parts) % 2 == 0:
        return show(value)
    pieces = ((part, place % 2) for place, part in enumerate(parts))
    return format_html_join(
        "", "{}", ((format_html("<code>{}</code>" if code else "{}", show(p)),) for p, code in pieces)
    )


@register.filter
def plain(value: Any) -> str:
    """The same where no markup can be, such as the page's title; escaped by the template."""
    return hidden.plain("" if value is None else str(value))


@register.filter
def markdown(value: Any) -> SafeString:
    """Untrusted Markdown, through the allow-list."""
    return show_markdown("" if value is None else str(value))


@register.simple_tag
def when(moment: datetime | None, form: str = "ago") -> SafeString | str:
    """A moment as relative words ("5 min ago"; form "age": "5 min"), the exact one on hover."""
    if moment is None:
        return "–"
    return time_tag(moment, timezone.now(), form)


@register.simple_tag
def expires(moment: datetime | None) -> SafeString:
    """When a question runs out, where there is a deadline; it stands out when that is near."""
    if moment is None:
        return SafeString("")
    near = moment - timezone.now() < NEAR
    return format_html('<span class="expires{}">expires {}</span>', " near" if near else "", when(moment))


def time_tag(moment: datetime, now: datetime, form: str = "ago") -> SafeString:
    """`when` at a moment that is known."""
    exact = iso(moment)
    return SafeString(
        f'<time datetime="{exact}" data-form="{escape(form)}" title="{exact[:10]} {exact[11:19]} UTC">'
        f"{relative(moment, now, form)}</time>"
    )


@register.filter
def clocks(sentence: str, entered: datetime | None = None) -> SafeString:
    """`show`, and each "05:10 UTC" as a moment, which `times.js` tells in the viewer's zone. `entered`: since
    when the run is in its state; then the seconds that the sentence counts go on."""
    going_on = _GOING_ON.match(sentence) if entered else None
    if going_on and entered:
        begun = timezone.now() - timedelta(seconds=int(going_on[3] or 0))
        since = entered if abs((begun - entered).total_seconds()) < 2 else begun  # as elsewhere on the page
        age = format_html('<time datetime="{}" data-form="age">{}</time>', iso(since), going_on[2])
        return show(going_on[1]) + age + clocks(sentence[going_on.end() :])
    parts = enumerate(_CLOCK.split(sentence))
    return SafeString("".join(_clock(part) if place % 2 else show(part) for place, part in parts))


def _clock(said: str) -> SafeString:
    day, _, time = said.removesuffix(" UTC").rpartition(" ")
    try:
        moment = datetime.fromisoformat(f"{day or timezone.now().date()}T{time}+00:00")
    except ValueError:  # somebody else's words
        return show(said)
    form = "seconds" if time.count(":") == 2 else "clock"
    return format_html('<time datetime="{}" data-form="{}">{}</time>', iso(moment), form, said)


def relative(moment: datetime, now: datetime, form: str = "ago") -> str:
    """ "5 min ago", "in 2 h"; with form "age" the bare "5 min". `times.js` says the same."""
    seconds = (now - moment).total_seconds()
    words = _words(abs(seconds))
    if form == "age":
        return words
    if abs(seconds) < 5:
        return "just now"
    if abs(seconds) >= 14 * 86400:
        return f"{moment:%Y-%m-%d}"
    return f"{words} ago" if seconds > 0 else f"in {words}"


def _words(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


@register.filter
def seconds(milliseconds: int | None) -> str:
    """A duration given in milliseconds: "240 ms", "3.2 s", "4 min 05 s", "2 h 05 min"."""
    if milliseconds is None:
        return ""
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1000:.1f} s"
    if milliseconds >= 3_600_000:
        return age(milliseconds / 1000)
    minutes, rest = divmod(milliseconds // 1000, 60)
    return f"{minutes} min {rest:02d} s"


register.filter("age", lambda seconds: age(seconds or 0))


@register.filter
def short(identifier: str) -> str:
    """The end of an id: it differs where the time-ordered start is the same."""
    return identifier[-8:]


@register.filter
def thousands(number: int | None) -> str:
    """12345 as "12,345", as sentences have it."""
    return f"{number or 0:,}"

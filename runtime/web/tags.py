"""Template tags and filters of every page (a built-in library of the templates)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from runtime.events import iso
from runtime.web import text

register = template.Library()

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
    # tool calls
    "waiting": ("Waiting", "hand"),
    "granted": ("Ready to run", "clock"),
    "refused": ("Not run", "ban"),
    "answered": ("Answered", "reply"),
    "started": ("Running", "loader"),
}


@register.simple_tag
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
    word, shape = STATES.get(name, (name.replace("_", " ").capitalize(), "circle-help"))
    return format_html(
        '<span class="state is-{}"><svg class="icon" aria-hidden="true"><use href="#i-{}"/></svg>{}</span>',
        name,
        shape,
        word,
    )


@register.filter
def state_word(name: str) -> str:
    """What a state is called."""
    return STATES.get(name, (name.replace("_", " ").capitalize(), ""))[0]


@register.filter
def show(value: Any) -> SafeString:
    """Untrusted text: escaped, hidden characters as `U+202E`."""
    return text.show("" if value is None else str(value))


@register.filter
def plain(value: Any) -> str:
    """The same where no markup can be, such as the page's title; escaped by the template."""
    return text.plain("" if value is None else str(value))


@register.filter
def markdown(value: Any) -> SafeString:
    """Untrusted Markdown, through the allow-list."""
    return text.show_markdown("" if value is None else str(value))


@register.simple_tag
def when(moment: datetime | None, form: str = "ago") -> SafeString | str:
    """A moment as relative words ("5 min ago"; form "age": "5 min"), the exact one on hover."""
    if moment is None:
        return "–"
    return format_html(
        '<time datetime="{}" data-form="{}" title="{}">{}</time>',
        iso(moment),
        form,
        f"{moment:%Y-%m-%d %H:%M:%S} UTC",
        relative(moment, timezone.now(), form),
    )


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
    """A duration given in milliseconds: "240 ms", "3.2 s", "4 min 05 s"."""
    if milliseconds is None:
        return ""
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1000:.1f} s"
    minutes, rest = divmod(timedelta(milliseconds=milliseconds).seconds, 60)
    return f"{minutes} min {rest:02d} s"


@register.filter
def short(identifier: str) -> str:
    """The end of an id: it differs where the time-ordered start is the same."""
    return identifier[-8:]


@register.filter
def thousands(number: int | None) -> str:
    """12345 as "12 345", with a thin space that does not break."""
    return f"{number or 0:,}".replace(",", "\u202f")

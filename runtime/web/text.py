"""Untrusted text on a page: escaped, hidden characters and the real names of hosts made visible, and in the
arguments of tool calls what looks secret masked."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from runtime.redaction import Find, looks_secret, mask, mask_of
from runtime.web.hidden import EVERY, HIDDEN, code

#: So many hidden characters and look-alike hosts are named one by one: a text of nothing else must not make a
#: page of megabytes. A host counts once more for every 16 characters, since names of it are dear to find.
MARKS = 1_000
STAND_IN = "\u25af"
#: Characters of a host's name; no server has a longer one.
HOST = 253

_PART = rf"[^\s/?#:@\"'<>(){HIDDEN}]"
#: What is marked: hidden characters, and the host of an address when it has letters beyond ASCII.
_MARKED = re.compile(
    rf"{EVERY.pattern}|\b(?i:https?)://(?:[^\s/?#@{HIDDEN}]*@)?(?P<host>{_PART}*(?![\x00-\x7f]){_PART}{_PART}*)"
)

_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_MASK_ICON = '<svg class="icon" aria-hidden="true"><use href="#i-shield-alert"/></svg>'
_FROM_HERE = f"from here on, hidden characters stand as {STAND_IN}, and so do letters of look-alike hosts"


def quote(value: Any, most: int = 80) -> str:
    """A value as a sentence may hold it: plain text on one line, and a cut says how much is missing."""
    try:
        text = value if isinstance(value, str) else repr(value)
    except RecursionError:
        return "(nested too deep to be shown)"
    line = text.replace("\n", " ")
    return line if len(line) <= most else f"{line[:most]}… (+{len(line) - most:,} characters)"


def show(text: str, finds: Sequence[Find] = ()) -> SafeString:
    """Escaped text: hidden characters stand as `U+202E`, look-alike hosts carry their real name, and a mask
    stands in place of each of `finds`."""
    if not finds and text.isascii() and text.isprintable():
        return SafeString(html.escape(text))  # nothing hides in it: most names and titles
    pieces: list[str] = []
    cover = _Cover(finds)
    position, left = 0, MARKS
    for match in _MARKED.finditer(text):
        if match["emoji"]:
            continue
        pieces.append(cover.piece(text, position, match.start()))
        if match["one"] or match["host"]:
            if left <= 0:
                pieces.append(f'<span class="mark">{_FROM_HERE}</span>')
                rest = _MARKED.sub(_stand_in, text[match.start() :])  # as long as it was
                pieces.append(cover.piece(text[: match.start()] + rest, match.start(), len(text)))
                break
            left -= 1 + len(match["host"] or "") // 16
        pieces.append(_mark(match, cover))
        position = match.end()
    else:
        pieces.append(cover.piece(text, position, len(text)))
    return mark_safe("".join(pieces))  # noqa: S308 - every piece was escaped above


def show_masked(text: str) -> SafeString:
    """`show`, with a mask in place of what looks secret."""
    return show(text, looks_secret(text))


class _Cover:
    """Escapes a text piece by piece, ascending, with a mask where each find begins."""

    def __init__(self, finds: Sequence[Find]) -> None:
        self._finds = finds
        self._at = 0
        self._begun = False  #: the mask of the find that is next stands there already

    def piece(self, text: str, begin: int, end: int) -> str:
        pieces = []
        while self._at < len(self._finds) and self._finds[self._at][0] < end:
            first, last = self._finds[self._at]
            if not self._begun:
                pieces += [escape(text[begin:first]), self._mask(last - first)]
            self._begun = last > end
            begin = min(last, end)
            if self._begun:
                break
            self._at += 1
        return "".join([*pieces, escape(text[begin:end])])

    def hides(self, place: int) -> bool:
        return self._begun and place < self._finds[self._at][1]

    def _mask(self, size: int) -> str:
        words = mask_of(size)
        return words if self._at >= MARKS else f'<span class="masked">{_MASK_ICON}{words}</span>'


def real_host(url: str) -> str | None:
    """The host of an http(s) address in ASCII (punycode for look-alikes), or a mailto's; else None."""
    try:
        parts = urlsplit(url)
        host = parts.path.rpartition("@")[2] if parts.scheme == "mailto" else parts.hostname
    except ValueError:
        return None
    if parts.scheme not in {"http", "https", "mailto"} or not host or len(host) > HOST:
        return None
    return punycode(host)


def punycode(host: str) -> str:
    """`host` in ASCII; characters that no host may have are escaped, so that nothing hides."""
    if len(host) > HOST:
        return f"no host: a name of {len(host):,} characters"
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return host.encode("ascii", "backslashreplace").decode("ascii")


def _mark(match: re.Match[str], cover: _Cover) -> str:
    if match["one"]:
        return _named(match["one"], len(match[0]))
    if match["host"]:
        address = cover.piece(match.string, match.start(), match.end())
        return f'{address}<span class="mark">{escape(mask(punycode(match["host"])))}</span>'
    return "" if cover.hides(match.start()) else "\n"


@lru_cache(maxsize=1024)
def _named(one: str, count: int) -> str:
    times = f" ×{count}" if count > 1 else ""
    name = escape(unicodedata.name(one, "hidden character").lower())
    newline = "\n" if one in "\r\u2028\u2029\x0b\x0c" else ""
    return f'<span class="mark" title="{name}">{code(one)}{times}</span>{newline}'


def _stand_in(match: re.Match[str]) -> str:
    if match["one"]:
        return STAND_IN * len(match[0])
    return _BEYOND_ASCII.sub(STAND_IN, match[0]) if match["host"] else match[0]

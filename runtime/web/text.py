"""Untrusted text on a page: escaped, hidden characters made visible, Markdown through an allow-list.

`show` is for plain text, `show_markdown` for what a model writes; both return safe HTML.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import MutableMapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import nh3
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererProtocol
from markdown_it.token import Token

from runtime.web.hidden import EVERY, code

#: Longer texts are shown plain: parsing Markdown is not linear in the worst case.
MARKDOWN_LIMIT = 20_000
#: So many hidden characters are named one by one: a text of nothing else must not make a page of megabytes.
MARKS = 2_000
STAND_IN = "\u25af"

_URL_HOST = re.compile(
    r"(?i)\bhttps?://(?:[^\s/?#@]*@)?([^\s/?#:@\"'<>()]*[^\x00-\x7f\s/?#:@\"'<>()][^\s/?#:@\"'<>()]*)"
)

_TAGS = {
    "a", "blockquote", "br", "code", "del", "div", "em", "hr", "li", "ol", "p", "pre", "span", "strong",
    "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_CLASSES = {
    "span": {"mark", "host", "nolink"},
    "p": {"h1", "h2", "h3", "h4", "h5", "h6"},
    "div": {"wide"},
}
#: A wide table scrolls inside the page, for the keyboard, too.
_SCROLLS = {"tabindex": "0", "role": "group", "aria-label": "Table"}


def quote(value: Any, most: int = 80) -> str:
    """A value as a sentence may hold it: plain text on one line, and a cut says how much is missing."""
    try:
        text = value if isinstance(value, str) else repr(value)
    except RecursionError:
        return "(nested too deep to be shown)"
    line = text.replace("\n", " ")
    return line if len(line) <= most else f"{line[:most]}… (+{len(line) - most:,} characters)"


def show(text: str) -> SafeString:
    """Escaped text: hidden characters stand as `U+202E`, look-alike hosts carry their real name."""
    if text.isascii() and text.isprintable():
        return SafeString(html.escape(text))  # nothing hides in it: most names and titles
    pieces: list[str] = []
    position = 0
    for number, match in enumerate(EVERY.finditer(text)):
        pieces.append(_escape(text[position : match.start()]))
        position = match.start()
        if number == MARKS:
            pieces.append(f'<span class="mark">from here on, hidden characters stand as {STAND_IN}</span>')
            text, position = EVERY.sub(_stand_in, text[position:]), 0
            break
        pieces.append(_mark(match))
        position = match.end()
    pieces.append(_escape(text[position:]))
    return mark_safe("".join(pieces))  # noqa: S308 - every piece was escaped above


def show_markdown(text: str) -> SafeString:
    """Markdown as HTML from an allow-list: no images, no raw HTML, links that show their host."""
    if len(text) > MARKDOWN_LIMIT:
        return mark_safe(f"<pre>{show(text)}</pre>")  # noqa: S308 - `show` escapes
    cleaned = nh3.clean(
        _MARKDOWN.render(text, {}),
        tags=_TAGS,
        attributes={"a": {"href"}, "ol": {"start"}},
        set_tag_attribute_values={"div": _SCROLLS},
        allowed_classes=_CLASSES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    return mark_safe(cleaned)  # noqa: S308 - nh3 sanitized it


def real_host(url: str) -> str | None:
    """The host of an http(s) address in ASCII (punycode for look-alikes), or a mailto's; else None."""
    try:
        parts = urlsplit(url)
        host = parts.path.rpartition("@")[2] if parts.scheme == "mailto" else parts.hostname
    except ValueError:
        return None
    if parts.scheme not in {"http", "https", "mailto"} or not host:
        return None
    return punycode(host)


def punycode(host: str) -> str:
    """`host` in ASCII; characters that no host may have are percent-encoded, so that nothing hides."""
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return host.encode("ascii", "backslashreplace").decode("ascii")


def _mark(match: re.Match[str]) -> str:
    one = match["one"]
    if one is None:
        return "\n" if match["newline"] else match[0]
    return _named(one, len(match[0]))


@lru_cache(maxsize=1024)
def _named(one: str, count: int) -> str:
    times = f" ×{count}" if count > 1 else ""
    name = escape(unicodedata.name(one, "hidden character").lower())
    newline = "\n" if one in "\r\u2028\u2029\x0b\x0c" else ""
    return f'<span class="mark" title="{name}">{code(one)}{times}</span>{newline}'


def _stand_in(match: re.Match[str]) -> str:
    return STAND_IN * len(match[0]) if match["one"] else match[0]


def _escape(text: str) -> str:
    if text.isascii():
        return escape(text)
    pieces: list[str] = []
    position = 0
    for match in _URL_HOST.finditer(text):
        pieces.append(escape(text[position : match.end()]))
        pieces.append(f'<span class="mark">{escape(punycode(match[1]))}</span>')
        position = match.end()
    pieces.append(escape(text[position:]))
    return "".join(pieces)


# Rules of the Markdown renderer. Each gets the token stream and returns HTML.

_Env = MutableMapping[str, Any]


def _text(_: RendererProtocol, tokens: Sequence[Token], index: int, _options: Any, _env: _Env) -> str:
    return show(tokens[index].content)


def _code_inline(_: RendererProtocol, tokens: Sequence[Token], index: int, _options: Any, _env: _Env) -> str:
    return f"<code>{show(tokens[index].content)}</code>"


def _code_block(_: RendererProtocol, tokens: Sequence[Token], index: int, _options: Any, _env: _Env) -> str:
    return f"<pre><code>{show(tokens[index].content)}</code></pre>\n"


def _link_open(_: RendererProtocol, tokens: Sequence[Token], index: int, _options: Any, env: _Env) -> str:
    href = str(tokens[index].attrs.get("href", ""))
    host = real_host(href)
    env.setdefault("links", []).append((href, host))
    return '<span class="nolink">' if host is None else f'<a href="{escape(href)}">'


def _link_close(_: RendererProtocol, _tokens: Sequence[Token], _index: int, _options: Any, env: _Env) -> str:
    href, host = env["links"].pop()
    if host is None:
        return f'</span> <span class="host">{show(href)}</span>'
    return f'</a> <span class="host">{escape(host)}</span>'


def _table_open(_: RendererProtocol, _tokens: Sequence[Token], _index: int, _o: Any, _env: _Env) -> str:
    return '<div class="wide"><table>\n'


def _table_close(_: RendererProtocol, _tokens: Sequence[Token], _index: int, _o: Any, _env: _Env) -> str:
    return "</table></div>\n"


def _heading_open(_: RendererProtocol, tokens: Sequence[Token], index: int, _options: Any, _env: _Env) -> str:
    # A heading of the text is no heading of the page: it must not break the page's outline.
    return f'<p class="{tokens[index].tag}">'


def _heading_close(_: RendererProtocol, _tokens: Sequence[Token], _index: int, _o: Any, _env: _Env) -> str:
    return "</p>\n"


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True})
    parser.enable(["table", "strikethrough"]).disable(["image", "html_block", "html_inline"])
    rules = {
        "text": _text,
        "code_inline": _code_inline,
        "code_block": _code_block,
        "fence": _code_block,
        "link_open": _link_open,
        "link_close": _link_close,
        "table_open": _table_open,
        "table_close": _table_close,
        "heading_open": _heading_open,
        "heading_close": _heading_close,
    }
    for name, rule in rules.items():
        parser.add_render_rule(name, rule)
    return parser


_MARKDOWN = _parser()

"""Untrusted Markdown as HTML from an allow-list: no images, no raw HTML, links that show their host."""

from __future__ import annotations

import re
from collections.abc import MutableMapping, Sequence
from typing import Any

import nh3
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererProtocol
from markdown_it.rules_block import StateBlock, table
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from runtime.web.hidden import HIDDEN
from runtime.web.text import real_host, show

#: Longer texts are shown plain: parsing Markdown is not linear in the worst case.
MARKDOWN_LIMIT = 20_000
#: So are tables of more cells in all, and a text whose pieces come to more characters of HTML: each row of a
#: table is as long as its head, and an address that is written once may have many links.
CELLS = 5_000
MARKUP = 100_000

_TAGS = {
    "a", "blockquote", "br", "code", "del", "div", "em", "hr", "li", "ol", "p", "pre", "span", "strong",
    "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_CLASSES = {
    "span": {"mark", "host", "nolink"},
    "p": {"h1", "h2", "h3", "h4", "h5", "h6"},
    "div": {"wide"},
    "th": {"left", "center", "right"},
    "td": {"left", "center", "right"},
}
#: A wide table scrolls inside the page, for the keyboard, too.
_SCROLLS = {"tabindex": "0", "role": "group", "aria-label": "Table"}
_SCHEME = re.compile(r"(?<![a-z0-9.+-])https?$", re.IGNORECASE)
#: What follows the scheme of an address that stands there bare: up to a space, a quote or a bracket.
_ADDRESS = re.compile(rf"://\w(?:(?![{HIDDEN}])[\w!#-&(-;=?@~])*")
_BOXES = {"[ ] ": "\u2610 ", "[x] ": "\u2611 ", "[X] ": "\u2611 "}


def show_markdown(text: str) -> SafeString:
    """Markdown as safe HTML; plain where that would be too long or take too long."""
    rendered = _rendered(text) if len(text) <= MARKDOWN_LIMIT else None
    if rendered is None:
        return mark_safe(f"<pre>{show(text)}</pre>")  # noqa: S308 - `show` escapes
    cleaned = nh3.clean(
        rendered,
        tags=_TAGS,
        attributes={"a": {"href"}, "ol": {"start"}},
        set_tag_attribute_values={"div": _SCROLLS},
        allowed_classes=_CLASSES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    return mark_safe(cleaned)  # noqa: S308 - nh3 sanitized it


def _rendered(text: str) -> str | None:
    try:
        return str(_MARKDOWN.render(text, {}))
    except _TooMuch:
        return None


# Rules of the Markdown renderer. Each gets the token stream and returns HTML.

_Env = MutableMapping[str, Any]


class _TooMuch(Exception):
    """The HTML would be longer than MARKUP."""


def _counted(env: _Env, piece: str) -> str:
    env["markup"] = env.get("markup", 0) + len(piece)
    if env["markup"] > MARKUP:
        raise _TooMuch
    return piece


def _text(_: RendererProtocol, tokens: Sequence[Token], index: int, _options: Any, env: _Env) -> str:
    return _counted(env, show(tokens[index].content))


def _code_inline(_: RendererProtocol, tokens: Sequence[Token], index: int, _options: Any, env: _Env) -> str:
    return _counted(env, f"<code>{show(tokens[index].content)}</code>")


def _code_block(_: RendererProtocol, tokens: Sequence[Token], index: int, _options: Any, env: _Env) -> str:
    return _counted(env, f"<pre><code>{show(tokens[index].content)}</code></pre>\n")


def _link_open(_: RendererProtocol, tokens: Sequence[Token], index: int, _options: Any, env: _Env) -> str:
    href = str(tokens[index].attrs.get("href", ""))
    host = real_host(href)
    env.setdefault("links", []).append((href, host))
    return _counted(env, '<span class="nolink">' if host is None else f'<a href="{escape(href)}">')


def _link_close(_: RendererProtocol, _tokens: Sequence[Token], _index: int, _options: Any, env: _Env) -> str:
    href, host = env["links"].pop()
    if host is None:
        return _counted(env, f'</span> <span class="host">{show(href)}</span>')
    return _counted(env, f'</a> <span class="host">{escape(host)}</span>')


def _table_open(_: RendererProtocol, _tokens: Sequence[Token], _index: int, _o: Any, _env: _Env) -> str:
    return '<div class="wide"><table>\n'


def _table_close(_: RendererProtocol, _tokens: Sequence[Token], _index: int, _o: Any, _env: _Env) -> str:
    return "</table></div>\n"


def _cell_open(_: RendererProtocol, tokens: Sequence[Token], index: int, _options: Any, env: _Env) -> str:
    # The parser says it as an inline style, which the page's policy forbids.
    tag = tokens[index].tag
    aligned = str(tokens[index].attrs.get("style", "")).removeprefix("text-align:")
    return _counted(env, f'<{tag} class="{aligned}">') if aligned else f"<{tag}>"


def _struck_open(_: RendererProtocol, _tokens: Sequence[Token], _index: int, _o: Any, _env: _Env) -> str:
    return "<del>"


def _struck_close(_: RendererProtocol, _tokens: Sequence[Token], _index: int, _o: Any, _env: _Env) -> str:
    return "</del>"


def _heading_open(_: RendererProtocol, tokens: Sequence[Token], index: int, _options: Any, _env: _Env) -> str:
    # A heading of the text is no heading of the page: it must not break the page's outline.
    return f'<p class="{tokens[index].tag}">'


def _heading_close(_: RendererProtocol, _tokens: Sequence[Token], _index: int, _o: Any, _env: _Env) -> str:
    return "</p>\n"


def _table(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """The parser's own rule, for as many cells as a text may have: every row gets as many as the head has."""
    if silent or not table(state, start, end, True):
        return table(state, start, end, silent)
    cells = state.env.get("cells", 0)
    if cells < CELLS:
        rows = next((line for line in range(start, end) if state.isEmpty(line)), end) - start
        cells += rows * (state.getLines(start + 1, start + 2, 0, False).count("|") + 1)
        state.env["cells"] = cells
    return cells < CELLS and table(state, start, end, False)


def _bare_address(state: StateInline, silent: bool) -> bool:
    """`https://…` as it stands there is a link like any other, and says its host, too."""
    scheme = _SCHEME.search(state.src[max(0, state.pos - 6) : state.pos])
    if silent or state.linkLevel or not scheme or not state.pending.endswith(scheme[0]):
        return False
    found = _ADDRESS.match(state.src, state.pos, state.posMax)
    rest = _without_end(found[0]) if found else ""
    href = state.md.normalizeLink(scheme[0] + rest)
    if not rest or real_host(href) is None:
        return False
    state.pending = state.pending[: -len(scheme[0])]
    state.push("link_open", "a", 1).attrs = {"href": href}
    state.push("text", "", 0).content = scheme[0] + rest
    state.push("link_close", "a", -1)
    state.pos += len(rest)
    return True


def _without_end(address: str) -> str:
    """Without the punctuation of the sentence around it; a bracket stays when it was opened inside."""
    end, surplus = len(address), address.count(")") - address.count("(")
    while end and (address[end - 1] in ".,:;!?*_~'" or (address[end - 1] == ")" and surplus > 0)):
        surplus -= address[end - 1] == ")"
        end -= 1
    return address[:end]


def _boxes(state: StateCore) -> None:
    """`- [x]` as a box with a tick: the brackets alone say nothing."""
    before = [""] * 2
    for token in state.tokens:
        first = token.children[0] if token.type == "inline" and token.children else None
        if first and first.type == "text" and before == ["list_item_open", "paragraph_open"]:
            first.content = _BOXES.get(first.content[:4], first.content[:4]) + first.content[4:]
        before = [before[1], token.type]


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True})
    parser.enable(["table", "strikethrough"]).disable(["image", "html_block", "html_inline"])
    parser.block.ruler.at("table", _table, {"alt": ["paragraph", "reference"]})
    parser.inline.ruler.after("text", "bare_address", _bare_address)
    parser.core.ruler.after("text_join", "boxes", _boxes)
    rules = {
        "text": _text,
        "code_inline": _code_inline,
        "code_block": _code_block,
        "fence": _code_block,
        "link_open": _link_open,
        "link_close": _link_close,
        "table_open": _table_open,
        "table_close": _table_close,
        "th_open": _cell_open,
        "td_open": _cell_open,
        "s_open": _struck_open,
        "s_close": _struck_close,
        "heading_open": _heading_open,
        "heading_close": _heading_close,
    }
    for name, rule in rules.items():
        parser.add_render_rule(name, rule)
    return parser


_MARKDOWN = _parser()

"""Markdown that wants to be a page of megabytes: shown plain, whole, and without much work."""

from __future__ import annotations

import time

import pytest

from runtime.web import markdown
from runtime.web.markdown import CELLS, MARKDOWN_LIMIT, MARKUP, show_markdown

WIDE = "|" + "a|" * 2_500 + "\n|" + "-|" * 2_500 + "\n" + "|\n" * 4_900
HOSTILE = {
    "a wide table": WIDE,
    "many wide tables": ("|" + "a|" * 60 + "\n|" + "-|" * 60 + "\n" + "|\n" * 60 + "\n") * 50,
    "tables without end": "a|b\n-|-\n# h\n" * 1_600,
    "links to one long address": "[a]: http://" + "x" * 8_000 + "\n\n" + "[a]" * 3_900,
    "links to one long other address": "[a]: //" + "x" * 8_000 + "\n\n" + "[a]" * 3_900,
    "a hidden character on every line": "\u200b\n\u2060\n" * 4_900,
    "hosts": "http://é.a " * 1_800,
    "links to hosts": "<http://é.a>" * 1_600,
    "a long host": "[a](http://" + "é." * 9_900 + ")",
    "empty headings": "#\n" * 9_900,
    "empty items": "-\n" * 9_900,
    "items in items": "- - " * 4_900,
    "brackets": "[" * 19_900,
    "emphasis": "*_" * 9_900,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_it_stays_small(name: str) -> None:
    text = HOSTILE[name]
    assert len(text) <= MARKDOWN_LIMIT
    html = show_markdown(text)
    assert html.count("<td") + html.count("<th") <= CELLS + 2
    assert len(html) < 2 * MARKUP


@pytest.mark.parametrize("name", HOSTILE)
def test_it_takes_time_in_proportion(name: str) -> None:
    def seconds(text: str) -> float:
        began = time.process_time()
        show_markdown(text)
        return time.process_time() - began

    text = HOSTILE[name]
    ordinary = "Some *words* with `code`, then a\nnew line of\n\n- a list\n" * (len(text) // 58)
    seconds(ordinary)
    usual = min(seconds(ordinary) for _ in range(3))
    assert min(seconds(text) for _ in range(2)) < 25 * usual + 0.05, "the same length"


def test_it_leaves_every_character_of_a_table_that_it_does_not_draw() -> None:
    html = show_markdown(f"**before**\n\n{WIDE[:2_000]}\n{WIDE}"[: MARKDOWN_LIMIT - 20] + "\n\n**after**")
    assert "<strong>before</strong>" in html
    assert "<strong>after</strong>" in html
    assert html.count("|") > 5_000


def test_it_draws_a_table_of_ordinary_size() -> None:
    rows = "".join(f"| {number} | a | b | c |\n" for number in range(200))
    html = show_markdown("| n | x | y | z |\n|-|-|-|-|\n" + rows + "\nAfter it.")
    assert html.count("<td") == 800
    assert "<p>After it.</p>" in html


def test_it_shows_plain_what_would_be_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "<strong>" in show_markdown("**a** b")
    monkeypatch.setattr(markdown, "MARKUP", 2)
    assert show_markdown("**a** b <c>") == "<pre>**a** b &lt;c&gt;</pre>"

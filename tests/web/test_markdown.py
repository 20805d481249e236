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
    "bare addresses": "http://a " * 2_200,
    "one bare address": "http://a" * 2_400,
    "bare addresses of a long host": ("http://" + "x" * 260 + " ") * 74,
    "colons": "http:" * 3_900,
    "boxes": "- [x] a\n" * 2_400,
    "aligned cells": "|" + "a|" * 2_000 + "\n|" + ":-:|" * 2_000 + "\n" + "|a\n" * 1_500,
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


def test_it_strikes_through() -> None:
    assert show_markdown("~~delete prod~~") == "<p><del>delete prod</del></p>\n"


def test_it_aligns_the_columns_of_a_table() -> None:
    html = show_markdown("|a|b|c|d|\n|:-|:-:|--:|-|\n|1|2|3|4|")
    assert '<th class="left">a</th>' in html
    assert '<td class="center">2</td>' in html
    assert '<td class="right">3</td>' in html
    assert "<td>4</td>" in html
    assert "style" not in html


def test_it_draws_the_boxes_of_a_list() -> None:
    html = show_markdown("- [x] one\n- [ ] *two*\n- [y] three\n\n[x] four")
    for part in ("<li>\u2611 one</li>", "<li>\u2610 <em>two</em></li>", "[y] three", "<p>[x] four</p>"):
        assert part in html


LINK = '<a href="{0}" rel="noopener noreferrer nofollow">{0}</a> <span class="host">{1}</span>'


@pytest.mark.parametrize(
    ("text", "address", "host"),
    [
        ("see https://ok.example/a_b_c?x=1, then", "https://ok.example/a_b_c?x=1", "ok.example"),
        ("(https://ok.example/a_(b)).", "https://ok.example/a_(b)", "ok.example"),
        ("**https://ok.example**", "https://ok.example", "ok.example"),
        ("https://bank.example@evil.example/x", "https://bank.example@evil.example/x", "evil.example"),
        ("|https://ok.example/|\n|-|", "https://ok.example/", "ok.example"),
    ],
)
def test_it_links_a_bare_address_and_says_its_host(text: str, address: str, host: str) -> None:
    assert LINK.format(address, host) in show_markdown(text)


@pytest.mark.parametrize(
    "text", ["`https://a.example`", "ftp://a.example", "xhttps://a.example", "https:// a", "javascript://a"]
)
def test_it_links_no_other_text(text: str) -> None:
    assert "<a" not in show_markdown(text)


def test_it_links_no_address_inside_of_a_link() -> None:
    html = show_markdown("[https://bank.example](https://evil.example)")
    assert html.count("<a") == 1
    assert '<span class="host">evil.example</span>' in html


def test_it_marks_what_a_bare_address_hides() -> None:
    assert "xn--" in show_markdown("https://раypal.com/a")
    assert "U+200B" in show_markdown("https://a.example\u200b.evil.example")
    assert 'href="https://a.example"' in show_markdown("https://a.example\u200b.evil.example")

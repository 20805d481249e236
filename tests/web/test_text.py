"""Untrusted text on a page: nothing runs, nothing hides."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.web.hidden import hidden_characters, plain
from runtime.web.markdown import show_markdown
from runtime.web.text import MARKS, punycode, quote, real_host, show

# What a table that is too wide scrolls in; attributes come in any order.
TABLE = re.compile('<div( (class="wide"|role="group"|aria-label="Table"|tabindex="0")){4}>')


def test_it_escapes_markup() -> None:
    assert show('<img src=x onerror="a">&') == "&lt;img src=x onerror=&quot;a&quot;&gt;&amp;"


@pytest.mark.parametrize(
    "code", ["202E", "200B", "2066", "FEFF", "0007", "00AD", "E0041", "2028", "00A0", "E000"]
)
def test_it_shows_and_counts_a_hidden_character(code: str) -> None:
    text = f"a{chr(int(code, 16))}b"
    assert f">U+{code}</span>" in show(text)
    assert hidden_characters(text) == {f"U+{code}": 1}
    assert plain(text) == f"a[U+{code}]b"


def test_it_counts_a_run_of_the_same_as_one_mark() -> None:
    assert "U+200B ×300" in show("a" + "\u200b" * 300)
    assert hidden_characters("\u200b" * 300 + "\u202e") == {"U+200B": 300, "U+202E": 1}


@pytest.mark.parametrize("text", ["tab\tand\nline", "a\r\nb", "naïve Ωμέγα 漢字", "❤️ 👩‍💻 1️⃣ 🏳️‍🌈"])
def test_it_leaves_ordinary_writing_alone(text: str) -> None:
    assert hidden_characters(text) == {}
    assert "mark" not in show(text)


def test_it_marks_a_bare_carriage_return_that_could_overwrite_a_line() -> None:
    assert hidden_characters("rm -rf /\rls") == {"U+000D": 1}


def test_it_shows_the_real_name_of_a_look_alike_host() -> None:
    assert "xn--" in show("see http://раypal.com/a")
    assert real_host("http://раypal.com/a") == punycode("раypal.com")
    assert "xn--" not in show("see http://paypal.com/é")


def test_it_gives_a_link_its_host_and_no_referrer() -> None:
    html = show_markdown("[your bank](https://evil.example/x)")
    assert 'href="https://evil.example/x"' in html
    assert 'rel="noopener noreferrer nofollow"' in html
    assert '<span class="host">evil.example</span>' in html


@pytest.mark.parametrize(
    "source",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](data:text/html,a)",
        "[x](vbscript:a)",
        "![pixel](https://evil.example/p.png)",
        "[x](/sign-out/)",
        '<https://ok.example/" onmouseover=alert(1)>',
        "[a]: javascript:alert(1)\n\n[a]",
        "```html\n<script>\n```",
        '<a href="https://x" style="position:fixed">x</a>',
        "| <b onclick=a> |\n|-|\n| <iframe> |",
    ],
)
def test_it_lets_no_markup_through(source: str) -> None:
    html = show_markdown(source)
    for tag in re.findall(r"<[^>]*>", TABLE.sub("<div>", html)):
        assert re.fullmatch(
            r'</?[a-z]+\d?( class="[a-z0-9]+")?>|<a href="https://[^"]*" rel="[a-z ]+">', tag
        ), tag


def test_it_keeps_a_heading_out_of_the_outline_of_the_page() -> None:
    assert show_markdown("# Big") == '<p class="h1">Big</p>\n'


def test_it_marks_hidden_characters_in_markdown_and_code() -> None:
    html = show_markdown("a\u202eb `c\u200bd`\n\n```\ne\u2066f\n```")
    assert {code for code in ("U+202E", "U+200B", "U+2066") if code in html} == {"U+202E", "U+200B", "U+2066"}


@pytest.mark.parametrize(
    "piece", ["[", "*a **a ", ">", "`a``", "_a ", "![", "~~a", "&", "<a:", "- \n ", "[a](<b"]
)
def test_it_takes_no_time_for_hostile_markdown(piece: str) -> None:
    began = time.process_time()
    show_markdown(piece * (59_000 // len(piece)))
    assert time.process_time() - began < 20


def test_it_says_how_much_a_quote_leaves_out() -> None:
    assert quote("x" * 100, 10) == "xxxxxxxxxx… (+90 characters)"


@given(st.text())
def test_it_never_leaves_a_hidden_character_in_place(text: str) -> None:
    bare = re.sub(r"<[^>]*>", "", show(text))
    assert hidden_characters(bare) == {}


@given(st.text())
def test_it_survives_any_markdown(text: str) -> None:
    assert "<script" not in show_markdown(text).lower()


def test_it_stays_small_for_a_text_of_nothing_but_hidden_characters() -> None:
    hostile = "\u202e\u200b" * 60_000
    html = show(hostile)
    assert "U+202E" in html
    assert "hidden characters stand as" in html
    assert len(html) < 8 * len(hostile)
    assert not any(character in html for character in "\u202e\u200b")
    assert hidden_characters(hostile) == {"U+202E": 60_000, "U+200B": 60_000}


def test_it_asks_for_no_name_of_a_host_that_is_none() -> None:
    for host in ("é." * 1_950_000, "é" * 254):
        html = show(f"http://{host}/x")
        assert html.count('<span class="mark">') == 1
        assert f"no host: a name of {len(host):,} characters" in html
        assert len(html) < len(host) + 200
        assert real_host(f"http://{host}/x") is None


def test_it_names_so_many_hosts_and_then_lets_none_look_like_another() -> None:
    html = show("http://раypal.com/é " * 20_000)
    assert html.count("xn--") == MARKS
    assert "so do letters of look-alike hosts" in html
    assert html.count("http://▯▯ypal.com/é ") == 20_000 - MARKS
    assert len(html) < 3 * len("http://раypal.com/é " * 20_000)


@pytest.mark.parametrize(
    "piece",
    ["http://é.", "http://a@", "http://é.a ", "http://", "é.", "\u200b\u2060", "❤️", "1\ufe0f", "\r\n"],
)
def test_it_takes_time_in_proportion(piece: str) -> None:
    def seconds(size: int) -> float:
        text = "http://" + piece * (size // len(piece))
        began = time.process_time()
        show(text)
        hidden_characters(text)
        return time.process_time() - began

    seconds(20_000)
    short = min(seconds(50_000) for _ in range(3))
    assert min(seconds(400_000) for _ in range(2)) < 8 * short * 3 + 0.05, "8 times the text"

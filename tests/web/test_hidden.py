"""Which characters are hidden: all that show nothing, wherever they stand; the browser has the same table."""

from __future__ import annotations

import re
import sys
import unicodedata
from pathlib import Path

import pytest

from runtime.web import hidden
from runtime.web.hidden import hidden_characters

MARKS = Path(__file__).parents[2] / "static" / "base" / "marks.js"
#: Of the Unicode Character Database 17.0: DerivedCoreProperties.txt, Default_Ignorable_Code_Point.
IGNORABLE = (
    "ad 34f 61c 115f-1160 17b4-17b5 180b-180f 200b-200f 202a-202e 2060-206f 3164 fe00-fe0f feff ffa0 "
    "fff0-fff8 1bca0-1bca3 1d173-1d17a e0000-e0fff"
)
BLANK = (
    "2800 3000 fffc 1107f 110bd 110cd 13430-1343f 13441-13442 16fe4 1d159 1da7f-1da80 fdd0-fdef 1fffe-1ffff"
)
#: Format characters that are written and seen: Arabic signs that go around or above a number.
SEEN = "600-605 6dd 890-891 8e2"


def points(ranges: str) -> list[str]:
    """The characters of ranges written in hexadecimal."""
    found: list[str] = []
    for each in ranges.split():
        first, _, last = each.partition("-")
        found += map(chr, range(int(first, 16), int(last or first, 16) + 1))
    return found


@pytest.mark.parametrize("ranges", [IGNORABLE, BLANK])
def test_it_knows_what_shows_nothing(ranges: str) -> None:
    assert [hex(ord(one)) for one in points(ranges) if not hidden_characters(f"a{one}b")] == []


def test_it_knows_every_space_and_control_of_unicode() -> None:
    seen = {"\t", "\n", " ", *points(SEEN)}
    for one in map(chr, range(sys.maxunicode + 1)):
        if unicodedata.category(one) in {"Cc", "Cf", "Co", "Cs", "Zl", "Zp", "Zs"}:
            assert bool(hidden_characters(one)) is (one not in seen), hex(ord(one))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("rm -rf build-2\ufe0f *\ufe0f #\ufe0f", {"U+FE0F": 3}),
        ("あ\u200dい", {"U+200D": 1}),
        ("。\u200d、", {"U+200D": 1}),
        ("⇒\u200d⇒", {"U+200D": 1}),
        ("あ\ufe0f", {"U+FE0F": 1}),
        ("❤\ufe0f\ufe0f", {"U+FE0F": 1}),
        ("👩\u200dx", {"U+200D": 1}),
        ("1\u20e3 a\ufe0f\u20e3", {"U+FE0F": 1}),
        ("\u3000 x\ufffc y\U0001d159z", {"U+3000": 1, "U+FFFC": 1, "U+1D159": 1}),
    ],
)
def test_it_exempts_joiners_of_emoji_alone(text: str, found: dict[str, int]) -> None:
    assert hidden_characters(text) == found


@pytest.mark.parametrize(
    "text", ["❤️", "👩‍💻", "👩🏽‍💻", "1️⃣ *️⃣ #️⃣", "🏳️‍🌈", "👨‍👩‍👧‍👦", "🧑‍⚕️", "↔️", "🇩🇪", "👍🏿"]
)
def test_it_leaves_emoji_alone(text: str) -> None:
    assert hidden_characters(text) == {}


@pytest.mark.parametrize("name", ["EMOJI", "HIDDEN", "PATTERN"])
def test_the_browser_has_the_same_tables(name: str) -> None:
    found = re.search(
        rf"^const {name} =((?:\s+String\.raw`[^`]*`(?: \+)?)+);$", MARKS.read_text(), re.MULTILINE
    )
    assert found
    text = "".join(re.findall("`([^`]*)`", found[1]))
    text = re.sub(r"\\u\{([0-9a-f]+)\}", lambda point: f"\\U{point[1]:0>8}", text)
    text = text.replace("(?<emoji>", "(?P<emoji>").replace("(?<newline>", "(?P<newline>")
    text = text.replace("(?<one>", "(?P<one>").replace(r"\k<one>", "(?P=one)")
    assert text == getattr(hidden, name)

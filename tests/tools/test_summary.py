"""The sentence about a call and the diff of a write, as a reviewer sees them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.tools.diff import MAX_LINES, NO_NEWLINE, compare
from runtime.tools.summary import SENTENCES, preview, sentence


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("ls", {}, "List the folder '.'"),
        ("read_file", {"path": "a.md"}, "Read 'a.md'"),
        ("glob", {"pattern": "*.md"}, "Find files that match '*.md'"),
        ("grep", {"pattern": "x+"}, "Search all files for 'x+'"),
        ("grep", {"pattern": "x+", "path": "notes"}, "Search 'notes' for 'x+'"),
        ("write_file", {"path": "notes/a.md", "content": "é\nb"}, "Write 2 lines (4 bytes) to 'notes/a.md'"),
        (
            "edit_file",
            {"path": "a.md", "old": "x", "new": "yy"},
            "Replace 1 line (1 byte) by 1 line (2 bytes) in 'a.md'",
        ),
        (
            "edit_file",
            {"path": "a.md", "old": "x", "new": "", "replace_all": True},
            "Delete every occurrence of 1 line (1 byte) from 'a.md'",
        ),
        (
            "write_todos",
            {"todos": [{"content": "a", "status": "completed"}, {"content": "b", "status": "pending"}]},
            "Write down a plan of 2 steps, 1 done",
        ),
        ("save_artifact", {"path": "a.md", "content": ""}, "Save 0 lines (0 bytes) as the artifact 'a.md'"),
        ("pay", {"amount": 3, "to": "x"}, "Run pay with amount, to"),
        ("pay", {}, "Run pay"),
        ("pay", dict.fromkeys("abcdefg"), "Run pay with a, b, c, d, e, 2 more"),
        ("write_file", {"path": 3, "content": None}, "Run write_file with path, content"),
    ],
)
def test_it_says_in_one_sentence_what_a_call_does(name: str, arguments: dict[str, Any], words: str) -> None:
    assert sentence(name, arguments) == words


def test_it_makes_what_hides_visible_in_the_sentence() -> None:
    words = sentence("write_file", {"path": "a\u202etxt.exe\n\x1b[2J", "content": "x"})
    assert words == r"Write 1 line (1 byte) to 'a\u202etxt.exe\n\x1b[2J'"


KEY = "AKIAABCDEFGHIJKLMNOP"
MASK = "[looks secret: 20 characters]"


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("write_file", {"path": f"{KEY}.md", "content": KEY}, "Write 1 line (20 bytes) to '{}.md'"),
        ("grep", {"pattern": KEY, "path": KEY}, "Search '{}' for '{}'"),
        ("execute", {"command": f"curl {KEY}"}, "Run the shell command 'curl {}' in the sandbox"),
        ("pay", {KEY: 3}, "Run pay with {}"),
        (KEY, {}, "Run {}"),
    ],
)
def test_it_masks_what_looks_secret_in_the_sentence(name: str, arguments: dict[str, Any], words: str) -> None:
    assert sentence(name, arguments) == words.replace("{}", MASK)
    assert sentence(name, arguments, masked=False) == words.replace("{}", KEY)


def test_it_cuts_no_secret_in_two() -> None:
    words = sentence("read_file", {"path": "x" * 190 + "/" + KEY})
    assert words == f"Read '{'x' * 190}/[looks se…'"


def test_the_note_of_a_comparison_is_masked(tmp_path: Path) -> None:
    for path in (f"/{KEY}", f"/{'x' * 190}/{KEY}", f"{KEY}/../a"):
        diff = preview("write_file", tmp_path, {"path": path, "content": "x"})
        assert diff is not None
        assert diff.fails
        assert "AKIA" not in diff.note
        assert "[looks s" in diff.note


VALUES = st.none() | st.text() | st.integers() | st.lists(st.text(), max_size=2)


@given(
    st.sampled_from([*SENTENCES, "other", "\u202e" * 300]),
    st.dictionaries(st.sampled_from(["path", "content", "old", "new", "todos", "pattern", "\n"]), VALUES),
)
def test_it_has_a_short_printable_sentence_for_anything(name: str, arguments: dict[str, Any]) -> None:
    words = sentence(name, arguments)
    assert words.isprintable()
    assert len(words) < 3_000


def test_it_shows_a_write_to_a_new_file(tmp_path: Path) -> None:
    diff = preview("write_file", tmp_path, {"path": "./notes/a.md", "content": "one\ntwo\n"})
    assert diff is not None
    assert (diff.path, diff.added, diff.removed) == ("notes/a.md", 2, 0)
    assert diff.note == "This file does not exist yet."
    assert diff.lines == ("@@ -0,0 +1,2 @@", "+one", "+two")
    unborn = preview("write_file", tmp_path / "none yet", {"path": "a.md", "content": "x\n"})
    assert unborn is not None
    assert unborn.lines[1:] == ("+x",)


def test_it_shows_a_write_and_an_edit_against_the_file_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("one\ntwo\nthree\n")
    written = preview("write_file", tmp_path, {"path": "a.md", "content": "one\n2\nthree\n"})
    edit = preview("edit_file", tmp_path, {"path": "a.md", "old": "two", "new": "2"})
    assert written == edit
    assert edit is not None
    assert edit.lines == ("@@ -1,3 +1,3 @@", " one", "-two", "+2", " three")
    same = preview("write_file", tmp_path, {"path": "a.md", "content": "one\ntwo\nthree\n"})
    assert same is not None
    assert (same.lines, same.note) == ((), "Nothing would change.")


@pytest.mark.parametrize(
    ("name", "arguments", "note"),
    [
        ("edit_file", {"path": "none.md", "old": "a", "new": "b"}, "the edit will fail"),
        ("edit_file", {"path": "a.md", "old": "zzz", "new": "b"}, "does not occur"),
        ("edit_file", {"path": "../a.md", "old": "a", "new": "b"}, "contains '..'"),
        ("write_file", {"path": "link/a.md", "content": "x"}, "symbolic link"),
        ("write_file", {"path": "pipe", "content": "x"}, "a pipe"),
        ("write_file", {"path": "image.png", "content": "x"}, "binary"),
        ("write_file", {"path": "large", "content": "x"}, "too many to compare"),
        ("write_file", {"path": "folder", "content": "x"}, "is a folder"),
        ("write_file", {"path": 3, "content": "x"}, "do not fit"),
        ("write_file", {}, "do not fit"),
    ],
)
def test_it_says_why_there_is_no_diff(
    tmp_path: Path, name: str, arguments: dict[str, Any], note: str
) -> None:
    (tmp_path / "a.md").write_text("abc")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("/etc")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "image.png").write_bytes(b"\x89PNG\0")
    with (tmp_path / "large").open("wb") as file:
        file.truncate(2 << 20)
    diff = preview(name, tmp_path, arguments)
    assert diff is not None
    assert note in diff.note
    assert diff.lines == ()


def test_it_has_no_diff_for_other_tools(tmp_path: Path) -> None:
    assert preview("read_file", tmp_path, {"path": "a"}) is None
    assert preview("save_artifact", tmp_path, {"path": "a", "content": "x"}) is None


def test_it_shows_line_ends_that_differ() -> None:
    assert compare("a", "x\n", "x").lines == ("@@ -1 +1 @@", "-x", "+x", NO_NEWLINE)
    assert compare("a", "x\r\n", "x\n").lines[1:] == ("-x\r", "+x")
    assert compare("a", "x\fy\n", "x\fz\n").lines[1:] == ("-x\fy", "+x\fz")


def test_it_numbers_the_lines_of_a_long_file_rightly() -> None:
    old = [f"{number}\n" for number in range(1, 50_001)]
    new = [*old[:40_000], "new\n", *old[40_001:]]
    diff = compare("a", "".join(old), "".join(new))
    assert diff.lines[0] == "@@ -39998,7 +39998,7 @@"
    assert diff.lines[3:6] == (" 40000", "-40001", "+new")


def test_it_bounds_what_it_compares_and_shows() -> None:
    old = "".join(f"{number % 7}\n" for number in range(20_000))
    new = "".join(f"{number % 5}\n" for number in range(20_000))
    diff = compare("a", old, new)
    assert len(diff.lines) == MAX_LINES
    assert diff.hidden == diff.added + diff.removed + 1 - MAX_LINES


def patched(old: str, lines: list[str]) -> str:
    """The text that a diff makes of another, put together as `patch` does."""
    rest = old.splitlines(keepends=True)
    taken = 0
    made: list[str] = []
    for line in lines:
        if line.startswith("@@"):
            number, _, count = line.split()[1][1:].partition(",")
            until = int(number) - (count != "0")
            made += rest[taken:until]
            taken = until
        elif line == NO_NEWLINE:
            made[-1] = made[-1].rstrip("\n")
        elif line.startswith("+"):
            made.append(line[1:] + "\n")
        else:
            assert rest[taken].rstrip("\n") == line[1:]
            made += [rest[taken]] if line.startswith(" ") else []
            taken += 1
    return "".join(made + rest[taken:])


@given(st.text("ab\n", max_size=60), st.text("ab\n", max_size=60))
def test_its_diff_turns_the_old_text_into_the_new(old: str, new: str) -> None:
    diff = compare("a", old, new).lines
    about_new = [
        line
        for line, before in zip(diff, ("", *diff), strict=False)
        if not (line == NO_NEWLINE and before.startswith("-"))
    ]
    assert patched(old, about_new) == new

"""`ls` and `read_file`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from runtime.tools import ToolContext
from tests.tools.conftest import CallTool, refusal, run_tool


def test_it_lists_folders_and_files_with_sizes(call: CallTool, folder: Path) -> None:
    (folder / "notes").mkdir()
    (folder / "b.txt").write_text("12345")
    (folder / ".hidden").write_text("")
    assert call("ls") == ".hidden  0 bytes\nb.txt  5 bytes\nnotes/"
    assert call("ls", path="./notes/") == "(the folder is empty)"


def test_it_says_how_many_entries_it_does_not_list(call: CallTool, folder: Path) -> None:
    for number in range(1_003):
        (folder / f"{number:04}.txt").touch()
    lines = call("ls").splitlines()
    assert len(lines) == 1_001
    assert lines[-1] == "[3 more entries are not shown]"


def test_it_lists_no_unfinished_write(call: CallTool, folder: Path) -> None:
    (folder / ".harness-0123-4567").write_text("half")
    assert call("ls") == "(the folder is empty)"
    assert call("glob", pattern="**") == "No file matches."


def test_it_says_what_is_missing(context: ToolContext, folder: Path) -> None:
    (folder / "a.txt").write_text("x")
    assert refusal(context, "ls", path="nope") == "There is no 'nope'."
    assert refusal(context, "read_file", path="nope/a.txt") == "There is no 'nope'."
    assert refusal(context, "ls", path="a.txt") == "The path 'a.txt' is not a folder."
    assert refusal(context, "read_file", path="a.txt/b") == "The path 'a.txt' is not a folder."


def test_it_reads_text_as_it_is(call: CallTool, folder: Path) -> None:
    (folder / "a.txt").write_bytes("é\r\nb\n\ttail".encode())
    assert call("read_file", path="a.txt") == "é\r\nb\n\ttail"
    (folder / "empty.txt").touch()
    assert call("read_file", path="empty.txt") == "(the file is empty)"


@pytest.mark.parametrize(
    ("offset", "limit", "text"),
    [
        (1, 2, "1\n2\n[4 more bytes are not shown; read on with offset=3]"),
        (3, 2, "3\n4\n"),
        (3, None, "3\n4\n"),
        (4, 9, "4\n"),
    ],
)
def test_it_reads_a_part_and_says_how_to_go_on(
    call: CallTool, folder: Path, offset: int, limit: int | None, text: str
) -> None:
    (folder / "a.txt").write_text("1\n2\n3\n4\n")
    assert call("read_file", path="a.txt", offset=offset, limit=limit) == text


def test_it_says_that_an_offset_lies_behind_the_end(context: ToolContext, folder: Path) -> None:
    (folder / "a.txt").write_text("1\n2\n")
    assert "has only 2 lines" in refusal(context, "read_file", path="a.txt", offset=4)


def test_it_says_how_much_of_a_long_file_it_hides(context: ToolContext, folder: Path) -> None:
    small = replace(context, max_output_bytes=10)
    (folder / "a.txt").write_text("12345\n67890\nabc\n")
    shown = run_tool(small, "read_file", path="a.txt").text
    assert shown == "12345\n6789\n[6 more bytes are not shown; read on with offset=2]"


def test_it_cuts_no_character_in_two(context: ToolContext, folder: Path) -> None:
    (folder / "a.txt").write_text("ééé")
    shown = run_tool(replace(context, max_output_bytes=3), "read_file", path="a.txt").text
    assert shown.startswith("é\n[3 more bytes")


def test_it_reads_a_line_without_an_end(context: ToolContext, folder: Path) -> None:
    (folder / "a.txt").write_text("x" * 300_000 + "\nnext")
    small = replace(context, max_output_bytes=200_000)
    shown = run_tool(small, "read_file", path="a.txt").text
    assert shown.endswith("\n[100,005 more bytes are not shown; read on with offset=2]")
    assert run_tool(small, "read_file", path="a.txt", offset=2).text == "next"


@pytest.mark.parametrize("content", [b"\x89PNG\x00", b"caf\xe9", b"x" * 9_000 + b"\x00", b"\xff\xfea\x00"])
def test_it_names_a_binary_file_as_one(context: ToolContext, folder: Path, content: bytes) -> None:
    (folder / "image.png").write_bytes(content)
    sentence = refusal(context, "read_file", path="image.png")
    assert sentence == f"'image.png' is a binary file ({len(content)} bytes); only UTF-8 text can be read."

"""`write_file` and `edit_file`."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from runtime.tools import ToolContext, builtin
from runtime.tools.folder import TEMPORARY
from runtime.tools.writing import MAX_FILE_BYTES
from tests.tools.conftest import CallTool, refusal, run_tool


def test_it_writes_exactly_what_was_given(call: CallTool, folder: Path) -> None:
    content = "é\r\nb\rc\n\n\ttail \ufeff"
    assert call("write_file", path="a.txt", content=content) == "Created 'a.txt': 4 lines (18 bytes)."
    assert (folder / "a.txt").read_bytes() == content.encode()
    assert call("write_file", path="./a.txt", content="") == "Replaced 'a.txt': 0 lines (0 bytes)."
    assert (folder / "a.txt").read_bytes() == b""


def test_it_makes_missing_folders_and_plain_permissions(call: CallTool, folder: Path) -> None:
    before = os.umask(0o077)
    try:
        call("write_file", path="a/b//c.txt", content="x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((folder / "a/b/c.txt").stat().st_mode) == 0o644
    assert stat.S_IMODE((folder / "a/b").stat().st_mode) == 0o755


def test_it_leaves_the_old_file_when_a_write_fails(context: ToolContext, folder: Path) -> None:
    (folder / "a.txt").write_text("old")
    tool = builtin()["write_file"]
    with pytest.raises(Exception, match="not UTF-8"):
        tool.run(context, {"path": "a.txt", "content": "half of a pair \ud800"})
    assert (folder / "a.txt").read_text() == "old"
    assert [entry.name for entry in folder.iterdir()] == ["a.txt"]


def test_it_keeps_no_reader_from_the_old_content(call: CallTool, folder: Path) -> None:
    (folder / "a.txt").write_text("old")
    with (folder / "a.txt").open() as reading:
        call("write_file", path="a.txt", content="new")
        assert reading.read() == "old"


def test_it_clears_what_a_cut_off_attempt_of_the_same_call_left(context: ToolContext, folder: Path) -> None:
    run_tool(context, "write_file", path="other.txt", content="x")
    whole = os.rename

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt  # not caught anywhere: as a kill at this point

    os.rename = die
    try:
        with pytest.raises(KeyboardInterrupt):
            run_tool(context, "write_file", path="a.txt", content="x")
    finally:
        os.rename = whole
    left = {entry.name for entry in folder.iterdir()} - {"other.txt"}
    assert len(left) == 1
    assert left.pop().startswith(TEMPORARY)
    run_tool(replace(context, call_id="another"), "write_file", path="b.txt", content="x")
    assert len(list(folder.iterdir())) == 3  # another call's leftover is not its business
    run_tool(context, "write_file", path="a.txt", content="x")
    assert {entry.name for entry in folder.iterdir()} == {"a.txt", "b.txt", "other.txt"}


def test_it_refuses_more_than_a_file_may_hold(context: ToolContext, folder: Path) -> None:
    sentence = refusal(context, "write_file", path="a.txt", content="x" * (MAX_FILE_BYTES + 1))
    assert "4,194,305 bytes; 4,194,304 are allowed" in sentence
    assert list(folder.iterdir()) == []


def test_it_edits_the_one_place(call: CallTool, folder: Path) -> None:
    (folder / "a.txt").write_bytes(b"one\r\ntwo\r\nthree")
    assert call("edit_file", path="a.txt", old="two\r\n", new="2\n").startswith("Edited 'a.txt'")
    assert (folder / "a.txt").read_bytes() == b"one\r\n2\nthree"
    call("edit_file", path="a.txt", old="2\n", new="")
    assert (folder / "a.txt").read_bytes() == b"one\r\nthree"


def test_it_edits_nothing_that_is_not_certain(context: ToolContext, folder: Path) -> None:
    (folder / "a.txt").write_text("x y x")
    assert "does not occur" in refusal(context, "edit_file", path="a.txt", old="z", new="")
    assert "occurs 2 times" in refusal(context, "edit_file", path="a.txt", old="x", new="z")
    assert refusal(context, "edit_file", path="b.txt", old="x", new="z") == "There is no 'b.txt'."
    assert (folder / "a.txt").read_text() == "x y x"
    run_tool(context, "edit_file", path="a.txt", old="x", new="z", replace_all=True)
    assert (folder / "a.txt").read_text() == "z y z"


def test_it_edits_text_only(context: ToolContext, folder: Path) -> None:
    (folder / "a.bin").write_bytes(b"abc\xff")
    assert "binary" in refusal(context, "edit_file", path="a.bin", old="a", new="b")


def test_it_reckons_the_size_of_an_edit_before_it_builds_it(context: ToolContext, folder: Path) -> None:
    (folder / "a.txt").write_text("a" * 1_000_000)
    # A terabyte, were it built.
    sentence = refusal(context, "edit_file", path="a.txt", old="a", new="b" * 1_000_000, replace_all=True)
    assert "1,000,000,000,000 bytes" in sentence


def test_it_reports_a_full_disk_as_a_sentence(context: ToolContext, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert "No space left on device" in refusal(context, "write_file", path="a.txt", content="x")
    assert list(context.folder.iterdir()) == []

"""`glob` and `grep`: what they find, what they leave out, and that they always end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from runtime.tools import ToolContext, searching, walk
from tests.tools.conftest import CallTool, refusal, run_tool


@pytest.fixture
def tree(folder: Path) -> Path:
    """A few files."""
    for path in ("a.md", "b.txt", "notes/a.md", "notes/deep/c.md", "notes/[x].md"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(f"about {path}\nHello\n")
    return folder


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*", "a.md b.txt"),
        ("*.md", "a.md"),
        ("./*.md", "a.md"),
        ("**/*.md", "a.md notes/[x].md notes/a.md notes/deep/c.md"),
        ("notes/*", "notes/[x].md notes/a.md"),
        ("notes/**", "notes/[x].md notes/a.md notes/deep/c.md"),
        ("**/c.*", "notes/deep/c.md"),
        ("?.md", "a.md"),
        ("[!a]*", "b.txt"),
        ("[ab].*", "a.md b.txt"),
        ("notes/[[]x].md", "notes/[x].md"),
        ("a.md/", ""),
        ("a+md", ""),
        ("(a|b).*", ""),
    ],
)
def test_it_finds_files_by_glob(call: CallTool, tree: Path, pattern: str, found: str) -> None:
    expected = "\n".join(found.split()) or "No file matches."
    assert call("glob", pattern=pattern) == expected


def test_it_finds_what_it_can_open(call: CallTool, folder: Path) -> None:
    call("write_file", path="no\u00a0break.txt", content="x")
    (folder / "line\nbreak.txt").touch()
    assert call("glob", pattern="**") == "no\u00a0break.txt"


def test_it_says_when_files_are_left_out(call: CallTool, folder: Path) -> None:
    for number in range(searching.MAX_PATHS + 5):
        (folder / f"{number:05}").touch()
    lines = call("glob", pattern="*").splitlines()
    assert len(lines) == searching.MAX_PATHS + 1
    assert lines[-1] == "[only the first 1,000 files are shown]"


def test_it_says_when_the_folder_is_too_large(
    call: CallTool, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, "MAX_ENTRIES", 3)
    assert "[the folder has more than 3 entries]" in call("glob", pattern="**")
    assert "[the folder has more than 3 entries]" in call("grep", pattern="Hello")


def test_it_finds_lines(call: CallTool, tree: Path) -> None:
    assert call("grep", pattern="about [an]") == (
        "a.md:1:about a.md\nnotes/[x].md:1:about notes/[x].md\n"
        "notes/a.md:1:about notes/a.md\nnotes/deep/c.md:1:about notes/deep/c.md"
    )
    assert call("grep", pattern="^hello$", path="notes/deep") == "No line matches."
    assert call("grep", pattern="^hello$", path="notes/deep", ignore_case=True) == "notes/deep/c.md:2:Hello"
    assert call("grep", pattern="Hello", path="b.txt") == "b.txt:2:Hello"
    assert call("grep", pattern="Hello", glob="c.*") == "notes/deep/c.md:2:Hello"
    assert call("grep", pattern="Hello", glob="notes/*") == "notes/[x].md:2:Hello\nnotes/a.md:2:Hello"
    assert call("grep", pattern="Hello", glob=None).count("\n") == 4


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("x*", "f:1:ab\nf:2:\nf:3:c\tx\nf:4:ü"),
        ("^", "f:1:ab\nf:2:\nf:3:c\tx\nf:4:ü"),
        ("$", "f:1:ab\nf:2:\nf:3:c\tx\nf:4:ü"),
        ("^$", "f:2:"),
        ("b\\s*c", "No line matches."),
        ("b[^x]*c", "No line matches."),
        ("^c", "f:3:c\tx"),
        ("^.$", "f:4:ü"),
        ("\\bx\\b", "f:3:c\tx"),
    ],
)
def test_it_matches_within_one_line(call: CallTool, folder: Path, pattern: str, found: str) -> None:
    (folder / "f").write_text("ab\n\nc\tx\nü")
    assert call("grep", pattern=pattern) == found


def test_it_counts_lines_across_blocks(call: CallTool, folder: Path) -> None:
    lines = [f"line {number}" for number in range(1, 60_001)]
    lines[59_000] = "needle"
    (folder / "long.txt").write_text("\n".join(lines))
    assert call("grep", pattern="needle|line 30000$") == "long.txt:30000:line 30000\nlong.txt:59001:needle"


def test_it_names_binary_and_large_files(
    call: CallTool, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "MAX_FILE_BYTES", 10)
    (folder / "image.png").write_bytes(b"\x89PNG\0needle")
    (folder / "large.txt").write_text("123456\n89 needle")
    assert call("grep", pattern="needle") == (
        "No line matches.\n[only the first 10 bytes were searched of 'large.txt']\n"
        "[binary and not searched: 'image.png']"
    )


def test_it_cuts_long_lines_and_says_so(call: CallTool, folder: Path) -> None:
    (folder / "a.txt").write_bytes(b"x" * 5_000 + b"\xff\n")
    assert call("grep", pattern="x") == f"a.txt:1:{'x' * 400}… [5,001 bytes]"


def test_it_bounds_matches_and_output(context: ToolContext, folder: Path) -> None:
    (folder / "a.txt").write_text("hit\n" * 2_000)
    lines = run_tool(context, "grep", pattern="hit").text.splitlines()
    assert len(lines) == searching.MAX_MATCHES + 1
    assert lines[-1] == "[only the first 500 lines are shown]"
    cut = run_tool(replace(context, max_output_bytes=100), "grep", pattern="hit").text
    assert cut.splitlines()[-1].endswith("more bytes of matches are not shown]")


def test_it_bounds_the_bytes_it_searches(
    call: CallTool, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "MAX_TOTAL_BYTES", 10)
    for name in "abc":
        (folder / name).write_text("123456\n")
    assert call("grep", pattern="6").endswith("[10 bytes were searched, more are not]")


def test_it_ends_when_its_time_is_up(context: ToolContext, tree: Path) -> None:
    hurried = replace(context, timeout_seconds=-1.0)
    assert run_tool(hurried, "grep", pattern="x").text == "No line matches.\n[it took too long]"
    assert run_tool(hurried, "glob", pattern="*").text == "No file matches.\n[it took too long]"


def test_it_ends_when_its_run_does(context: ToolContext, tree: Path) -> None:
    cancelled = replace(context, cancelled=lambda: True)
    assert run_tool(cancelled, "grep", pattern="x").text == "No line matches.\n[it was stopped]"
    assert run_tool(cancelled, "glob", pattern="*").text == "No file matches.\n[it was stopped]"


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(a", "missing )"),
        ("a)(b", "unexpected )"),
        ("(?=a)", "invalid perl operator"),
        (r"(a)\1", "invalid escape sequence"),
        ("((a{1000}){1000}){1000}", "invalid repetition size"),
        ("(\\pL{900}){1}" * 9, "too large"),
        ("a" * 1_001, "too long"),
    ],
)
def test_it_refuses_what_is_no_pattern(context: ToolContext, pattern: str, why: str) -> None:
    assert why in refusal(context, "grep", pattern=pattern)


def test_it_takes_patterns_that_other_engines_die_of(call: CallTool, folder: Path) -> None:
    (folder / "a.txt").write_text("a" * 50_000 + "!")
    assert call("grep", pattern="(a+)+$") == "No line matches."
    assert call("grep", pattern="(a|a)*b", glob="*" * 200 + "a.txt") == "No line matches."


def test_it_refuses_globs_that_lead_out(context: ToolContext) -> None:
    assert "contains '..'" in refusal(context, "glob", pattern="../*")
    assert "is absolute" in refusal(context, "glob", pattern="/etc/*")
    assert "is not valid" in refusal(context, "glob", pattern="[z-a]")
    assert "too long" in refusal(context, "grep", pattern="a", glob="*" * 1_001)

"""Plain requests, as people write them, and the wishes in them."""

from __future__ import annotations

from typing import Any

import pytest

from runtime.providers.demonstration.understand import MAX_STEPS, MAX_WISHES, understand


def wishes(text: str) -> list[tuple[str, dict[str, Any]]]:
    """(tool, arguments) of each wish; ("says", answer) and ("strange", words) for those without a tool."""
    found: list[tuple[str, dict[str, Any]]] = []
    for wish in understand(text).wishes:
        if wish.tool:
            found.append((wish.tool, dict(wish.arguments)))
        else:
            found.append(
                ("says", {"answer": wish.answer}) if wish.answer else ("strange", {"said": wish.said})
            )
    return found


def write(path: str, content: str) -> tuple[str, dict[str, Any]]:
    return ("write_file", {"path": path, "content": content})


def read(path: str) -> tuple[str, dict[str, Any]]:
    return ("read_file", {"path": path})


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("run `ls -l; echo hi and bye`", "ls -l; echo hi and bye"),
        ('please execute "make test".', "make test"),
        ("run the command ls -l", "ls -l"),
        ("Run the shell command: uname", "uname"),
    ],
)
def test_it_understands_commands(text: str, command: str) -> None:
    assert wishes(text) == [("execute", {"command": command})]


def test_it_takes_nothing_else_for_a_command() -> None:
    assert wishes("run it again")[0][0] == "strange"
    assert wishes("run")[0][0] == "strange"
    assert wishes("run ``")[0][0] == "strange"


@pytest.mark.parametrize(
    ("text", "content", "path"),
    [
        ("write hello to hello.txt", "hello", "hello.txt"),
        ("Write hello to hello.txt.", "hello", "hello.txt"),
        ("please write 'hi there' into the file notes", "hi there", "notes"),
        ('Could you write "Hello, world!" to the file "my notes.txt"?', "Hello, world!", "my notes.txt"),
        ("write `code` to a/b/c.py", "code", "a/b/c.py"),
        ("write line one\nline two to notes.txt", "line one\nline two", "notes.txt"),
        ('write "one\ntwo; and then three" to a.txt', "one\ntwo; and then three", "a.txt"),
        ("write to a.txt:\nfirst; and then second\nread me\n", "first; and then second\nread me\n", "a.txt"),
        ("write to a.py:\n```python\nprint(1)\n```", "print(1)\n", "a.py"),
        ("write the following to a.md: # Title", "# Title", "a.md"),
        ("write a.txt: hi there", "hi there", "a.txt"),
        ("write don't panic and carry on to x.txt", "don't panic and carry on", "x.txt"),
        ("write salt and pepper; and mustard to a.txt", "salt and pepper; and mustard", "a.txt"),
        ("write from here to there to a.txt", "from here to there", "a.txt"),
        ("write Note: to do to b.txt", "Note: to do", "b.txt"),
        ("create a file named x.txt with hello there", "hello there", "x.txt"),
        ("create x.txt containing “a; b”", "a; b", "x.txt"),
        ("write a file x.txt with the text Hello", "Hello", "x.txt"),
        ("save hello to a.txt", "hello", "a.txt"),
    ],
)
def test_it_understands_writing(text: str, content: str, path: str) -> None:
    assert wishes(text) == [write(path, content)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("read a.txt", read("a.txt")),
        ("Please read the file a.txt.", read("a.txt")),
        ("read a.txt and tell me what it says", read("a.txt")),
        ("show me docs/a", read("docs/a")),
        ("what is in a.txt?", read("a.txt")),
        ("what does 'my file.md' say?", read("my file.md")),
        ("cat notes", read("notes")),
        ("list files", ("ls", {})),
        ("List all the files, please.", ("ls", {})),
        ("ls docs", ("ls", {"path": "docs"})),
        ("list files in docs", ("ls", {"path": "docs"})),
        ("what files are there?", ("ls", {})),
        # What people look for, nothing that is left to do here.
        ("find TODO in a.txt", ("grep", {"pattern": "TODO", "path": "a.txt"})),
        ("find cats and dogs in a.txt", ("grep", {"pattern": "cats and dogs", "path": "a.txt"})),
        ("find f(x) = a.b", ("grep", {"pattern": r"f\(x\) = a\.b"})),
        ("grep foo.*bar in all files", ("grep", {"pattern": "foo.*bar"})),
        ('search for "a b" in src/x.py', ("grep", {"pattern": "a b", "path": "src/x.py"})),
        ("find *.py", ("glob", {"pattern": "*.py"})),
        ("edit a.txt: replace foo with bar", ("edit_file", {"path": "a.txt", "old": "foo", "new": "bar"})),
        ("edit a.txt and replace x with y", ("edit_file", {"path": "a.txt", "old": "x", "new": "y"})),
        (
            'replace "a and b" with "c; d" in a.txt',
            ("edit_file", {"path": "a.txt", "old": "a and b", "new": "c; d"}),
        ),
        (
            "save artifact report.md: # Report",
            ("save_artifact", {"path": "report.md", "content": "# Report"}),
        ),
        ("save hello as an artifact called h.txt", ("save_artifact", {"path": "h.txt", "content": "hello"})),
        ("what is 12 * (3+4)?", ("says", {"answer": "12 * (3+4) = 84."})),
        ("2+2=?", ("says", {"answer": "2+2 = 4."})),
        ("calculate 1/0", ("says", {"answer": "1/0: A division by zero has no result."})),
    ],
)
def test_it_understands_plain_requests(text: str, expected: tuple[str, dict[str, Any]]) -> None:
    assert wishes(text) == [expected]


def test_it_saves_an_artifact_of_its_own_when_none_is_given() -> None:
    [(tool, arguments)] = wishes("save artifact")
    assert tool == "save_artifact"
    assert arguments["path"]
    assert "demonstration" in arguments["content"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("write a to a.txt; write b to b.txt", [write("a.txt", "a"), write("b.txt", "b")]),
        ("write a to a.txt and then read a.txt", [write("a.txt", "a"), read("a.txt")]),
        ("write a to a.txt and read it", [write("a.txt", "a"), read("a.txt")]),
        ("write a to a.txt, then list files", [write("a.txt", "a"), ("ls", {})]),
        ("write a to a.txt. Then read a.txt.", [write("a.txt", "a"), read("a.txt")]),
        ("1. write a to a.txt\n2. read a.txt", [write("a.txt", "a"), read("a.txt")]),
        ("- read a.txt\n- read b.txt\n", [read("a.txt"), read("b.txt")]),
        ("tell a joke; read a.txt", [("strange", {"said": "tell a joke"}), read("a.txt")]),
    ],
)
def test_it_takes_several_requests_apart(text: str, expected: list[tuple[str, dict[str, Any]]]) -> None:
    assert wishes(text) == expected


@pytest.mark.parametrize(
    "text", ["hello", "write a haiku about the sea", "what is love?", "", "  ", "to", "read", "find"]
)
def test_it_does_not_pretend(text: str) -> None:
    assert not any(wish.understood for wish in understand(text).wishes)


def test_it_takes_the_steps_of_a_plan() -> None:
    plan = understand("Plan a greeting: write hello to a.txt, read a.txt and then dance")
    assert (plan.plan, plan.topic) == (True, "a greeting")
    assert [wish.tool for wish in plan.wishes] == ["write_file", "read_file", ""]


def test_it_outlines_a_plan_it_does_not_understand() -> None:
    plan = understand("please plan a birthday party")
    assert plan.topic == "a birthday party"
    assert [wish.tool for wish in plan.wishes] == ["write_file", "read_file"]
    assert "a birthday party" in str(plan.wishes[0].arguments["content"])


def test_it_bounds_what_it_takes_on() -> None:
    assert len(understand("; ".join(["ls"] * 30)).wishes) == MAX_WISHES
    assert len(understand("plan: " + "; ".join(["ls"] * 30)).wishes) == MAX_STEPS
    assert understand("; ".join(["write a to a.txt"] * 100)).wishes  # too many parts: taken as one


HOSTILE = [
    " ",
    "\n",
    "write ",
    "to ",
    "and then ",
    '"',
    "'",
    "“",
    "```",
    "; ",
    "please ",
    "1+",
    "- ",
    "\x00",
    "\ud83d",
]


@pytest.mark.parametrize("start", ["", "write ", "plan ", "edit a: replace ", "find ", "write to a.txt:\n"])
def test_it_is_quick_whatever_the_text(start: str) -> None:
    """Not timed: a quadratic step on 100,000 characters would run into the time limit of the suite."""
    for hostile in HOSTILE:
        understand(start + hostile * (100_000 // len(hostile)))

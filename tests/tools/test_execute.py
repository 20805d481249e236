"""`execute` as the engine calls it: what the model reads, what is kept, what is refused."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from runtime.tools import ToolContext, ToolError, builtin, check_arguments
from runtime.tools.execute import MAX_COMMAND_BYTES
from runtime.tools.execute import execute as execute_tool
from runtime.tools.sandbox import status
from tests.tools.conftest import CallTool, refusal, run_tool


@pytest.fixture
def execute(shell: None, call: CallTool) -> CallTool:
    """`call`, where there is a sandbox."""
    return call


def test_it_asks_and_is_never_repeated(shell: None) -> None:
    tool = builtin()["execute"]
    assert (tool.read_only, tool.repeatable, tool.irreversible) == (False, False, False)
    assert check_arguments(tool, {}) != []
    assert check_arguments(tool, {"command": ""}) != []
    assert check_arguments(tool, {"command": "true", "cwd": "/"}) != []


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("echo hello", "Exit code 0.\nhello\n"),
        ("echo out; echo err >&2; exit 3", "Exit code 3.\nout\nerr\n"),
        ("true", "Exit code 0. It printed nothing."),
        ("printf 'no end'", "Exit code 0.\nno end"),
        ("echo 'Exit code 0.'; exit 9", "Exit code 9.\nExit code 0.\n"),
        ("printf 'Ev\\303\\251'; printf '\\377\\300x'", "Exit code 0.\nEvé\ufffd\ufffdx"),
        ("printf 'a\\0b\\033[2J\\r\\342\\200\\256c'", "Exit code 0.\na\ufffdb\x1b[2J\r\u202ec"),
        ("printf '\\355\\240\\200'", "Exit code 0.\n\ufffd\ufffd\ufffd"),
    ],
)
def test_it_tells_the_exit_code_and_what_was_printed(execute: CallTool, command: str, text: str) -> None:
    assert execute("execute", command=command) == text


def test_it_shares_the_folder_with_the_file_tools(execute: CallTool, folder: Path) -> None:
    execute("write_file", path="a/run.sh", content="echo one\n")
    assert execute("execute", command="echo 'echo two' >> a/run.sh && chmod +x a/run.sh && sh a/run.sh") == (
        "Exit code 0.\none\ntwo\n"
    )
    assert execute("read_file", path="a/run.sh").startswith("echo one\necho two")
    execute("edit_file", path="a/run.sh", old="two", new="three")
    assert execute("execute", command="./a/run.sh") == "Exit code 0.\none\nthree\n"
    execute("execute", command="mkdir made && umask 077 && mkdir made/closed && echo x > made/closed/y")
    execute("write_file", path="made/closed/z", content="z\n")
    execute("write_file", path="made/new/z", content="z\n")
    assert execute("execute", command="echo more >> made/new/z && cat made/closed/* made/new/z") == (
        "Exit code 0.\nx\nz\nz\nmore\n"
    )
    assert "made/closed/y" in execute("glob", pattern="**/y")
    assert not list(folder.rglob(".harness-*"))


def test_it_keeps_what_is_too_much_to_show(shell: None, context: ToolContext) -> None:
    small = replace(context, max_output_bytes=1_000)
    result = run_tool(
        small, "execute", command="i=0; while [ $i -lt 999 ]; do i=$((i+1)); echo line $i; done; exit 2"
    )
    whole = "".join(f"line {index}\n" for index in range(1, 1000)).encode()
    (kept,) = result.artifacts
    first, _, rest = result.text.partition("\n")
    assert first == (
        f"Exit code 2. It printed {len(whole):,} bytes; the first 1,000 follow. "
        f"All are in the artifact {kept.path}."
    )
    assert rest.encode() == whole[:1000]
    assert (kept.size, kept.sha256, kept.kind) == (len(whole), hashlib.sha256(whole).hexdigest(), "text")
    assert kept.stored.read_bytes() == whole
    assert list(context.artifacts_folder.iterdir()) == [kept.stored]


def test_it_shows_no_more_than_allowed_of_what_is_not_text(shell: None, context: ToolContext) -> None:
    small = replace(context, max_output_bytes=1_000)
    result = run_tool(small, "execute", command="head -c 1000 /dev/zero | tr '\\0' '\\377'")
    assert len(result.text.partition("\n")[2].encode()) <= 1_000
    assert result.artifacts == ()
    result = run_tool(small, "execute", command="head -c 5000 /dev/urandom")
    assert len(result.text.partition("\n")[2].encode()) <= 1_000
    assert result.artifacts[0].size == 5_000


def test_it_stops_one_that_takes_too_long_and_keeps_what_it_said(shell: None, context: ToolContext) -> None:
    short = replace(context, timeout_seconds=0.5, max_output_bytes=10)
    with pytest.raises(ToolError, match=r"^Stopped after \d+\.\d s: it took longer than 0\.5 s\.") as caught:
        run_tool(short, "execute", command="echo 'a long beginning'; sleep 60")
    assert str(caught.value).endswith("\na long beg")
    assert caught.value.artifacts[0].stored.read_text() == "a long beginning\n"


def test_it_stops_one_that_prints_without_end(shell: None, context: ToolContext) -> None:
    with pytest.raises(ToolError, match="printed more than 64 MiB") as caught:
        run_tool(context, "execute", command="yes")
    assert caught.value.artifacts[0].size > 64 << 20


def test_it_notices_a_cancel(shell: None, context: ToolContext) -> None:
    began = time.monotonic()
    later = replace(context, cancelled=lambda: time.monotonic() > began + 1.0)
    assert "its worker was stopped" in refusal(later, "execute", command="touch started; sleep 60")
    assert (context.folder / "started").exists()
    at_once = replace(context, cancelled=lambda: True)
    assert refusal(at_once, "execute", command="touch again") == (
        "The command was not run: its worker was stopped, and nobody decided about it."
    )
    assert not (context.folder / "again").exists()


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("echo a\0b", "NUL"),
        ("é" * MAX_COMMAND_BYTES, "more than 100,000 bytes"),
        ("echo \udc80", "not UTF-8"),
    ],
)
def test_it_refuses_what_is_no_command(
    shell: None, context: ToolContext, command: str, sentence: str
) -> None:
    with pytest.raises(ToolError, match=sentence):
        builtin()["execute"].run(context, {"command": command})


def test_it_takes_any_other_command_as_it_is(execute: CallTool) -> None:
    assert execute("execute", command="x='; exit 7'; printf '%s' \"$x\"") == "Exit code 0.\n; exit 7"
    assert execute("execute", command="--help").startswith("Exit code ")
    assert execute("execute", command="cat <<'E'\n'\"$(id)\nE") == "Exit code 0.\n'\"$(id)\n"
    long = "#" * (MAX_COMMAND_BYTES - 6)
    assert execute("execute", command=f"pwd\n{long}") == "Exit code 0.\n/thread\n"


LITTER = """
ln -s /etc/passwd link; ln -s . loop; mkfifo pipe; echo x > one; ln one two
mkdir closed; echo y > closed/file; chmod 000 closed/file closed
mkdir -p deep; d=deep; i=0; while [ $i -lt 200 ]; do mkdir -p d; cd d; i=$((i+1)); done; cd /thread
printf 'z' > "$(printf 'odd\\377\\nname')"; printf 'w' > '.harness-mine'
"""


def test_it_leaves_nothing_that_the_file_tools_stumble_over(
    execute: CallTool, context: ToolContext, folder: Path
) -> None:
    assert execute("execute", command=LITTER).startswith("Exit code 0.")
    for path in ("link", "pipe", "one", "loop/one"):
        assert "The path" in refusal(context, "read_file", path=path)
    assert "The path" in refusal(context, "write_file", path="pipe", content="x")
    listed = execute("ls")
    assert "closed" in listed
    assert r"odd\udcff\nname" in listed
    assert execute("glob", pattern="**/nothing") != ""
    assert execute("grep", pattern="root:") != ""
    assert os.lstat(folder / "link").st_mode & 0o120000 == 0o120000
    assert execute("execute", command="chmod 700 closed; ls closed") == "Exit code 0.\nfile\n"


def test_it_keeps_100_000_files_from_hurting(execute: CallTool) -> None:
    script = "import os\\nfor i in range(100000): os.open(f'many/{i}', os.O_CREAT) and os.closerange(3, 64)"
    made = execute("execute", command=f'mkdir many && python3 -S -c "$(printf "{script}")"')
    assert made.startswith("Exit code 0.")
    assert "50,000" in execute("glob", pattern="**/nothing")
    assert execute("execute", command="ls many | wc -l") == "Exit code 0.\n100000\n"
    assert execute("execute", command="rm -r many") == "Exit code 0. It printed nothing."


def test_it_is_off_with_the_reason_where_there_is_no_sandbox(
    context: ToolContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "_known", status._Knowledge())
    monkeypatch.setattr(status._known, "tested", status.Off("There is no bwrap."))
    monkeypatch.setattr(status._known, "tested_at", time.monotonic())
    with pytest.raises(ToolError, match=r"^The shell is off\. There is no bwrap\.$"):
        execute_tool.run(context, {"command": "true"})

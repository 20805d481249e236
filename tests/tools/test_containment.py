"""Nothing that a model or an earlier tool can put into the folder leads out of it, or makes a tool hang."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime.tools import ToolContext, ToolError, builtin
from tests.tools.conftest import CallTool, refusal, run_tool

BAD_PATHS = [
    ("/etc/passwd", "is absolute"),
    ("//x", "is absolute"),
    ("..", "contains '..'"),
    ("../outside/secret.txt", "contains '..'"),
    ("a/../../outside/secret.txt", "contains '..'"),
    ("a/..", "contains '..'"),
    ("a\x00b", "control character"),
    ("a\nb", "control character"),
    ("a\x1b[2Jb", "control character"),
    ("x" * 256, "too long"),
    ("é" * 128, "too long"),
    ("a/" * 65 + "b", "too long"),
    (("y" * 250 + "/") * 17 + "z", "too long"),
    ("\udcff", "not UTF-8"),
    (".harness-x", "reserved"),
    ("a/.harness-x/b", "reserved"),
]
FILE_CALLS = [
    ("read_file", {}),
    ("write_file", {"content": "x"}),
    ("edit_file", {"old": "a", "new": "b"}),
    ("save_artifact", {"content": "x"}),
]


@pytest.mark.parametrize(("path", "why"), BAD_PATHS)
@pytest.mark.parametrize(("name", "more"), [*FILE_CALLS, ("ls", {}), ("grep", {"pattern": "x"})])
def test_it_refuses_the_path_by_name(
    context: ToolContext, name: str, more: dict[str, str], path: str, why: str
) -> None:
    with pytest.raises(ToolError) as caught:
        builtin()[name].run(context, {"path": path, **more})
    assert why in str(caught.value)
    assert str(caught.value).isprintable()
    assert list(context.folder.iterdir()) == []


@pytest.mark.parametrize(("name", "more"), FILE_CALLS)
@pytest.mark.parametrize("path", [".", "./", "notes/", "notes/."])
def test_it_refuses_a_folder_where_a_file_is_meant(
    context: ToolContext, name: str, more: dict[str, str], path: str
) -> None:
    assert "names a folder" in refusal(context, name, path=path, **more)


@pytest.mark.parametrize(("name", "more"), FILE_CALLS[:3])
def test_it_refuses_a_folder_that_has_the_name(
    context: ToolContext, folder: Path, name: str, more: dict[str, str]
) -> None:
    (folder / "notes").mkdir()
    assert "'notes' is a folder" in refusal(context, name, path="notes", **more)


@pytest.mark.parametrize(("name", "more"), FILE_CALLS[:3])
@pytest.mark.parametrize("path", ["link", "link/secret.txt", "link/deep/x"])
def test_it_follows_no_link_to_a_folder(
    context: ToolContext, folder: Path, outside: Path, name: str, more: dict[str, str], path: str
) -> None:
    (folder / "link").symlink_to(outside)
    assert "symbolic link" in refusal(context, name, path=path, **more)
    assert [entry.name for entry in outside.iterdir()] == ["secret.txt"]
    assert (outside / "secret.txt").read_text() == "the secret"


@pytest.mark.parametrize(("name", "more"), FILE_CALLS[:3])
@pytest.mark.parametrize("target", ["secret.txt", "missing.txt"])
def test_it_follows_no_link_to_a_file(
    context: ToolContext, folder: Path, outside: Path, name: str, more: dict[str, str], target: str
) -> None:
    (folder / "link.txt").symlink_to(outside / target)
    assert "symbolic link" in refusal(context, name, path="link.txt", **more)
    assert [entry.name for entry in outside.iterdir()] == ["secret.txt"]
    assert (outside / "secret.txt").read_text() == "the secret"


@pytest.mark.parametrize(("name", "more"), FILE_CALLS[:3])
def test_it_opens_no_hard_link(
    context: ToolContext, folder: Path, outside: Path, name: str, more: dict[str, str]
) -> None:
    os.link(outside / "secret.txt", folder / "hard.txt")
    assert "hard link" in refusal(context, name, path="hard.txt", **more)
    assert (outside / "secret.txt").read_text() == "the secret"


@pytest.mark.parametrize(("name", "more"), FILE_CALLS[:3])
def test_it_does_not_hang_on_a_pipe_or_a_socket(
    context: ToolContext, folder: Path, name: str, more: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(folder / "pipe")
    monkeypatch.chdir(folder)  # a socket's address must be short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        for path in ("pipe", "socket"):
            assert "a device, a pipe or a socket" in refusal(context, name, path=path, **more)


def test_it_searches_and_lists_nothing_that_leads_out(call: CallTool, folder: Path, outside: Path) -> None:
    (folder / "link").symlink_to(outside)
    (folder / "link.txt").symlink_to(outside / "secret.txt")
    os.link(outside / "secret.txt", folder / "hard.txt")
    os.mkfifo(folder / "pipe")
    (folder / "own.txt").write_text("mine, not the secret")
    assert call("grep", pattern="secret") == "own.txt:1:mine, not the secret"
    assert "secret.txt" not in call("glob", pattern="**")
    assert "link  (link, cannot be opened)" in call("ls")
    assert "pipe  (special file, cannot be opened)" in call("ls")


def test_it_shows_names_that_are_not_utf8_and_opens_none(call: CallTool, folder: Path) -> None:
    (folder / "good.txt").write_text("x")
    os.close(os.open(os.fsencode(folder) + b"/bad\xff.txt", os.O_CREAT | os.O_WRONLY))
    assert "bad\\udcff.txt  0 bytes" in call("ls")
    assert call("glob", pattern="*.txt") == "good.txt"
    assert call("grep", pattern="x") == "good.txt:1:x"


def test_it_cannot_be_led_out_by_swapping_a_folder_for_a_link(
    context: ToolContext, folder: Path, outside: Path
) -> None:
    inside, link = folder / "swap", folder / "link"
    inside.mkdir()
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            with suppress(OSError):  # the tool makes the folder when it finds none
                inside.rename(folder / "aside")
            link.symlink_to(outside)
            with suppress(OSError):
                link.rename(inside)
            link.unlink(missing_ok=True)
            with suppress(OSError):
                inside.unlink()

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        for number in range(300):
            mine = replace(context, call_id=f"call-{number}")
            try:
                run_tool(mine, "write_file", path="swap/x.txt", content="x")
                read = run_tool(mine, "read_file", path="swap/secret.txt").text
            except ToolError:
                continue
            assert read != "the secret"
    finally:
        stop.set()
        swapping.join()
    assert [entry.name for entry in outside.iterdir()] == ["secret.txt"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(
    st.lists(st.sampled_from(["..", ".", "", "a", "link", "~", "\\", "…", "x" * 300]), max_size=6).filter(
        "/".join
    )
)
def test_it_writes_inside_or_not_at_all(
    context: ToolContext, folder: Path, outside: Path, names: list[str]
) -> None:
    link = folder / "link"
    if not link.is_symlink():
        link.symlink_to(outside)
    with suppress(ToolError):
        run_tool(context, "write_file", path="/".join(names), content="x")
    assert [entry.name for entry in outside.iterdir()] == ["secret.txt"]
    assert sorted(entry.name for entry in folder.parent.iterdir()) == ["files", "outside"]

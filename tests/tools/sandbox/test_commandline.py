"""The command line of a sandbox, read as a reviewer would."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runtime.tools.sandbox import Limits
from runtime.tools.sandbox.commandline import Request, build, passwd
from runtime.tools.sandbox.host import Host

HOST = Host(
    bwrap="/usr/bin/bwrap",
    setpriv="/usr/bin/setpriv",
    prlimit="/usr/bin/prlimit",
    unshare="/usr/bin/unshare",
    processor="x86_64",
    top=(("bin", "usr/bin"), ("lib", "")),
    etc=("/etc/localtime",),
    hidden=("/usr/src/app",),
)
REQUEST = Request(
    command="echo 'hello'; $(rm -rf /)",
    folder="/data/threads/1/files",
    limits=Limits(seconds=59.5, memory=1 << 20, processes=7, temporary=4096),
    uid=60_700,
    staged=False,
    filter_fd=10,
    passwd_fd=12,
    group_fd=13,
)


def has(line: list[str], *words: str) -> bool:
    """Whether these words follow one another in the line."""
    return any(tuple(line[start : start + len(words)]) == words for start in range(len(line)))


def programs(line: list[str]) -> list[str]:
    """The programs that turn into one another."""
    return [word.rpartition("/")[2] for word in line if word.startswith(("/usr/bin/", "/bin/sh"))]


def test_it_turns_one_program_into_the_next() -> None:
    assert programs(build(HOST, REQUEST)) == ["setpriv", "prlimit", "bwrap", "sh"]
    staged = build(HOST, replace(REQUEST, staged=True))
    assert programs(staged) == ["unshare", "sh", "setpriv", "prlimit", "bwrap", "sh"]
    assert has(staged, "--bind", "/mnt", "/thread")
    assert "/data/threads/1/files" in staged[: staged.index("/usr/bin/setpriv")]


@pytest.mark.parametrize(
    "words",
    [
        ("--reuid", "60700"),
        ("--regid", "60700"),
        ("--clear-groups",),
        ("--no-new-privs",),
        ("--bounding-set", "-all"),
        ("--die-with-parent",),
        ("--as-pid-1",),
        ("--new-session",),
        ("--unshare-all",),
        ("--disable-userns",),
        ("--cap-drop", "ALL"),
        ("--clearenv",),
        ("--setenv", "HOME", "/thread"),
        ("--seccomp", "10"),
        ("--ro-bind", "/usr", "/usr"),
        ("--symlink", "usr/bin", "/bin"),
        ("--ro-bind", "/lib", "/lib"),
        ("--tmpfs", "/usr/src/app", "--remount-ro", "/usr/src/app"),
        ("--bind", "/data/threads/1/files", "/thread"),
        ("--remount-ro", "/"),
        ("--size", "4096", "--tmpfs", "/tmp"),
        ("--cpu=65",),
        ("--data=1048576",),
        ("--core=0",),
    ],
)
def test_it_says(words: tuple[str, ...]) -> None:
    assert has(build(HOST, REQUEST), *words)


def test_it_gives_the_command_as_one_word_and_last() -> None:
    assert build(HOST, REQUEST)[-3:] == ["sh", "7", "echo 'hello'; $(rm -rf /)"]


def test_it_binds_nothing_writable_but_the_folder() -> None:
    line = build(HOST, REQUEST)
    assert [line[index + 1] for index, word in enumerate(line) if word == "--bind"] == [REQUEST.folder]
    assert not {"--dev-bind", "--share-net", "--cap-add", "--bind-try"} & set(line)
    assert line.count("--setenv") == 3


def test_it_keeps_the_workers_uid_where_it_is_an_ordinary_one() -> None:
    line = build(HOST, replace(REQUEST, uid=None))
    assert not {"--reuid", "--clear-groups", "--bounding-set"} & set(line)
    assert has(line, "/usr/bin/setpriv", "--no-new-privs")


def test_it_names_one_account() -> None:
    assert passwd(60_700, 60_700) == ("agent:x:60700:60700::/thread:/bin/sh\n", "agent:x:60700:\n")

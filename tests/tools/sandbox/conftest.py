"""Ways to run commands in a sandbox, and sandboxes with one wall less."""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from runtime.tools.base import never
from runtime.tools.sandbox import Limits, Outcome, run
from runtime.tools.sandbox import host as machine

#: Stand in for a program of the chain, leave a part of it out, then turn into it.
BWRAP = """#!/usr/bin/python3
import json, os, re, sys
text = "\\0".join(sys.argv[1:])
for pattern, new in json.loads({edits!r}):
    text, count = re.subn(pattern, new, text, count=1)
    assert count, pattern
if {left_open!r}:
    os.set_inheritable(os.open({left_open!r}, os.O_RDONLY), True)
os.execv({program!r}, [{program!r}, *text.split("\\0")])
"""
PRLIMIT = """#!/bin/sh
while [ "$1" != -- ]; do shift; done
shift
exec "$@"
"""


ORDINARY_USER = 60_000


def as_ordinary_user(work: Callable[[], str]) -> str:
    """What the work returns when somebody else than root does it."""
    if os.geteuid() != 0:
        return work()
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the child starts programs and nothing else
        child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(ORDINARY_USER)
            os.setuid(ORDINARY_USER)
            os.write(writing, work().encode())
        except BaseException as error:
            os.write(writing, repr(error).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        said = file.read().decode()
    os.waitpid(child, 0)
    return said


class Box:
    """Runs commands in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.printed = b""

    def run(
        self, command: str, limits: Limits | None = None, cancelled: Callable[[], bool] = never
    ) -> Outcome:
        """One command; what it printed is in `printed`."""
        pieces: list[bytes] = []
        outcome = run(command, self.folder, limits or Limits(), collect=pieces.append, cancelled=cancelled)
        self.printed = b"".join(pieces)
        return outcome

    def says(self, command: str) -> str:
        """What a command that must succeed prints, without the last line end."""
        outcome = self.run(command)
        assert (outcome.exit_code, outcome.stopped) == (0, ""), self.printed
        return self.printed.decode().removesuffix("\n")


@pytest.fixture
def box(shell: None, folder: Path) -> Box:
    """A sandbox in the thread's folder, which lies below folders that are closed to others."""
    return Box(folder)


class Weaker:
    """Makes machines whose sandbox has a hole."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def bwrap(self, *edits: tuple[str, str], left_open: str = "") -> machine.Host:
        """Each edit is a pattern and its replacement in bwrap's arguments, which are joined by NUL."""
        program = machine.look().bwrap
        text = BWRAP.format(edits=json.dumps(edits), left_open=left_open, program=program)
        return replace(machine.look(), bwrap=self._program("bwrap", text))

    def prlimit(self) -> machine.Host:
        """No limits for a process."""
        return replace(machine.look(), prlimit=self._program("prlimit", PRLIMIT))

    def _program(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o755)
        return str(path)


@pytest.fixture
def weaker(shell: None) -> Iterator[Weaker]:
    """A maker of weaker machines; its programs lie where the sandbox's uid can run them."""
    with tempfile.TemporaryDirectory(prefix="harness-test-") as name:
        Path(name).chmod(0o711)
        yield Weaker(Path(name))

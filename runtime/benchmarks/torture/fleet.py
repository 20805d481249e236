"""The product's processes, each of which may be killed, stopped, and started again at any instant.

They are started as their supervisor starts them: the listening socket outlives the web server, so that
requests wait for the next one; a process says through a pipe when it is up, and a new one may be told which
process died in its place. All of them die with the thread that started them.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from harness_site.listening import listen_on
from harness_site.ready import DEAD_VARIABLE
from harness_site.ready import VARIABLE as READY_VARIABLE

START_SECONDS = 90.0
WEB = "web"
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


class NotUp(Exception):
    """A process did not come up; its own words are in the fleet's log."""


class Member:
    """One place in the fleet, and the process that has it at present."""

    def __init__(self, name: str, words: Sequence[str]) -> None:
        self.name = name
        self.words = words
        self.process: subprocess.Popen[bytes] | None = None
        self.pipe = -1
        self.ready = False
        self.died = 0  #: the process that was killed here last

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid


class Fleet:
    """A web server and some workers on one data directory."""

    def __init__(
        self, command: Sequence[str], env: Mapping[str, str], log: Path, *, workers: int = 2, web: bool = True
    ) -> None:
        """`command`: what comes before `serve` and `run_huey`."""
        self._command = list(command)
        self._env = dict(env)
        self._log = log
        self._listener = listen_on("127.0.0.1", 0)
        self.port: int = self._listener.getsockname()[1]
        members = [Member(f"worker {number}", ["run_huey"]) for number in range(1, workers + 1)]
        if web:
            members.insert(0, Member(WEB, ["serve", "--fd", str(self._listener.fileno())]))
        self.members = {member.name: member for member in members}

    @property
    def workers(self) -> list[Member]:
        return [member for member in self.members.values() if member.name != WEB]

    def __enter__(self) -> Fleet:
        return self

    def __exit__(self, *_: object) -> None:
        for member in self.members.values():
            self._forget(member)
        self._listener.close()

    def start(
        self,
        name: str,
        *,
        told: bool = False,
        before: Sequence[str] = (),
        extra: Mapping[str, str] = MappingProxyType({}),
    ) -> Member:
        """Starts a process and does not wait for it. `told`: it learns which one died in its place. `before`:
        a command that runs it; `extra`: more of its environment."""
        member = self.members[name]
        assert member.process is None
        member.pipe, theirs = os.pipe()
        dead = str(member.died) if told and member.died else ""
        with self._log.open("ab") as log:
            member.process = subprocess.Popen(  # noqa: S603  (our own command)
                [*before, *self._command, *member.words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(theirs, *([self._listener.fileno()] if name == WEB else [])),
                env={**self._env, READY_VARIABLE: str(theirs), DEAD_VARIABLE: dead, **extra},
                preexec_fn=_die_with_us,  # noqa: PLW1509  (it makes one system call)
            )
        os.close(theirs)
        return member

    def start_all(self) -> None:
        """Starts what is down and waits until all are up."""
        for name, member in self.members.items():
            if member.process is None:
                self.start(name)
        self.wait()

    def look(self, seconds: float = 0.0) -> None:
        """Takes note of the processes that have come up, for at most so long."""
        waiting = {member.pipe: member for member in self.members.values() if member.pipe >= 0}
        for pipe in select.select(list(waiting), [], [], seconds)[0]:
            member = waiting[pipe]
            member.ready = os.read(pipe, 1) == b"1"
            os.close(pipe)
            member.pipe = -1
            if not member.ready and member.process is not None and member.process.wait(10) > 0:
                raise NotUp(f"The {member.name} did not come up; {self._log} has its words.")

    def wait(self) -> None:
        """Until everything that was started is up."""
        end = time.monotonic() + START_SECONDS
        while any(member.pipe >= 0 for member in self.members.values()):
            if time.monotonic() > end:
                raise NotUp(f"A process was not up after {START_SECONDS:g} s; {self._log} has its words.")
            self.look(0.5)

    def kill(self, name: str) -> int:
        """SIGKILL; gives the process that is no more."""
        member = self.members[name]
        member.died = member.pid
        self._forget(member)
        return member.died

    def signal(self, name: str, number: int) -> None:
        """Any other signal."""
        os.kill(self.members[name].pid, number)

    def wait_death(self, name: str, seconds: float = 60.0) -> int:
        """Until a process has ended by itself: its exit code, the negative number of a signal."""
        member = self.members[name]
        assert member.process is not None
        code = member.process.wait(seconds)
        member.died = member.pid
        self._forget(member)
        return code

    def _forget(self, member: Member) -> None:
        if member.process is not None:
            member.process.kill()
            member.process.wait()
        if member.pipe >= 0:
            os.close(member.pipe)
        member.process, member.pipe, member.ready = None, -1, False


def _die_with_us() -> None:
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

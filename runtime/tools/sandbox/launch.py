"""Starts one sandbox, holds it, and sees to its end.

The first process inside waits for a word from here. It gets it when everything is set: the leash on which the
sandbox dies with this process, the descriptor by which it is killed, its control group. When this process is
killed before that, the first process finds the line closed and ends; nothing ever ran.

The leash is bwrap's (`--die-with-parent`) and is put on no earlier than bwrap does it: a bwrap that is killed
while its child waits to be let into its namespaces leaves that child waiting forever. For the same reason
bwrap is asked for no report on its child; the kernel tells who speaks on the line (SCM_CREDENTIALS).

The sandbox is a child of the calling thread, whose death the kernel watches: stay in it until `close`.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import struct
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from runtime.tools.sandbox import cgroup, commandline, ownership, seccomp
from runtime.tools.sandbox.host import Host
from runtime.tools.sandbox.limits import Limits

START_SECONDS = 20.0
END_SECONDS = 5.0
CHUNK = 1 << 16
CREDENTIALS = "3i"  # struct ucred: pid, uid, gid
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}


class CannotStart(Exception):
    """No sandbox came up; `str()` is what the programs said about it."""


@dataclass(slots=True)
class Box:
    """A running sandbox.

    `first` is the pid, seen from here, of its first process, `ended` a descriptor that can be read when the
    last one is gone, `output` what they print.
    """

    process: subprocess.Popen[bytes]
    output: int
    first: int = 0
    ended: int = -1
    group: cgroup.Group | None = None
    _closed: bool = field(default=False)

    def kill(self) -> None:
        """Ends all processes inside at once."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.ended, signal.SIGKILL)

    def wait(self) -> int:
        """Kills what is left; the exit code when all is over. TimeoutError: it cannot be killed."""
        if self.ended >= 0:
            self.kill()
            if not select.select([self.ended], [], [], END_SECONDS)[0]:
                raise TimeoutError("The processes of the sandbox could not be ended.")
        try:
            return self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def drain(self) -> Iterator[bytes]:
        """What is left of the output."""
        with suppress(BlockingIOError):
            while chunk := os.read(self.output, CHUNK):
                yield chunk

    def close(self) -> None:
        """Ends everything and gives all back; safe to call twice."""
        if self._closed:
            return
        self._closed = True
        try:
            self.wait()
        finally:
            if self.group:
                self.group.close()
            if self.ended >= 0:
                os.close(self.ended)
            os.close(self.output)


@contextmanager
def started(host: Host, command: str, folder: Path, limits: Limits) -> Iterator[Box]:
    """A sandbox whose command has begun; gone at the end of the block. Raises CannotStart, OSError."""
    uid = ownership.own_uid(folder)
    ownership.hand_over(folder, uid)
    ours, theirs = socket.socketpair()
    with ours:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        with theirs:
            box = _spawn(host, command, folder, limits, uid, theirs)
        try:
            _let_go(box, ours, limits)
            yield box
        finally:
            ours.close()
            box.close()


def _spawn(
    host: Host, command: str, folder: Path, limits: Limits, uid: int | None, word: socket.socket
) -> Box:
    accounts = commandline.passwd(*((uid, uid) if uid is not None else (os.getuid(), os.getgid())))
    with ExitStack() as given:  # descriptors that are the child's alone once it has begun
        texts = [seccomp.program(host.processor), *(text.encode() for text in accounts)]
        filter_fd, passwd_fd, group_fd = (_given(given, text) for text in texts)
        output, output_fd = os.pipe()
        given.callback(os.close, output_fd)
        os.set_blocking(output, False)
        request = commandline.Request(
            command=command,
            folder=str(folder),
            limits=limits,
            uid=uid,
            staged=uid is not None and not ownership.can_be_reached(folder),
            filter_fd=filter_fd,
            passwd_fd=passwd_fd,
            group_fd=group_fd,
        )
        try:
            process = subprocess.Popen(  # noqa: S603
                commandline.build(host, request),
                stdin=word.fileno(),
                stdout=output_fd,
                stderr=output_fd,  # one pipe for both: their order is kept
                env=ENVIRONMENT,
                cwd="/",
                pass_fds=(filter_fd, passwd_fd, group_fd),
            )
        except BaseException:
            os.close(output)
            raise
    return Box(process, output)


def _given(stack: ExitStack, content: bytes) -> int:
    """A descriptor from which the child reads this."""
    reading, writing = os.pipe()
    stack.callback(os.close, reading)
    with os.fdopen(writing, "wb") as file:
        file.write(content)
    return reading


def _let_go(box: Box, line: socket.socket, limits: Limits) -> None:
    line.settimeout(START_SECONDS)
    try:
        box.first = _speaker(line)
        box.ended = os.pidfd_open(box.first)
        _favour_others(box.first)
        box.group = _grouped(box.first, limits)
        line.sendall(b"go\n")
    except (ProcessLookupError, TimeoutError, ConnectionError) as error:
        line.close()
        raise CannotStart(_complaint(box)) from error


def _speaker(line: socket.socket) -> int:
    """The pid of the first process, when it has said that all is set."""
    size = struct.calcsize(CREDENTIALS)
    said, ancillary, _, _ = line.recvmsg(16, socket.CMSG_SPACE(size))
    for level, kind, content in ancillary:
        if said and (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
            return int(struct.unpack(CREDENTIALS, content[:size])[0])
    raise ConnectionError


def _complaint(box: Box) -> str:
    with suppress(TimeoutError):
        box.wait()
    said = b" ".join(b"".join(box.drain())[:2000].split()).decode("utf-8", "replace")
    return said or f"it ended with exit code {box.process.returncode} and said nothing"


def _favour_others(pid: int) -> None:
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, 10)


def _grouped(pid: int, limits: Limits) -> cgroup.Group | None:
    group = cgroup.make(limits, cgroup.parent())
    if group is None:
        return None
    try:
        group.add(pid)
    except OSError:
        group.close()
        return None
    return group

"""Starts one sandbox, holds it, and sees to its end.

The first process inside waits for a word from here. It gets it when everything is set: the leash on which the
sandbox dies with this process, the descriptor by which it is killed, its control group. A worker that is
killed before that leaves a sandbox in which nothing ever ran.

The sandbox is a child of the calling thread, whose death the kernel watches: stay in it until `close`.
"""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import subprocess
import time
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
            if self.ended >= 0:
                signal.pidfd_send_signal(self.ended, signal.SIGKILL)
            else:
                self.process.kill()

    def wait(self) -> int:
        """Kills what is left; the exit code when all is over. TimeoutError: it cannot be killed."""
        self.kill()
        deadline = time.monotonic() + END_SECONDS
        if self.ended >= 0 and not select.select([self.ended], [], [], END_SECONDS)[0]:
            raise TimeoutError("The processes of the sandbox could not be ended.")
        try:
            return self.process.wait(max(deadline - time.monotonic(), 0.1))
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
        with theirs:
            box, info = _spawn(host, command, folder, limits, uid, theirs)
        try:
            _let_go(box, info, ours, limits)
            yield box
        finally:
            os.close(info)
            box.close()


def _spawn(
    host: Host, command: str, folder: Path, limits: Limits, uid: int | None, word: socket.socket
) -> tuple[Box, int]:
    accounts = commandline.passwd(*((uid, uid) if uid is not None else (os.getuid(), os.getgid())))
    with ExitStack() as given:  # descriptors that are the child's alone once it has begun
        texts = [seccomp.program(host.processor), *(text.encode() for text in accounts)]
        filter_fd, passwd_fd, group_fd = (_given(given, text) for text in texts)
        info, info_fd = os.pipe()
        given.callback(os.close, info_fd)
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
            info_fd=info_fd,
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
                pass_fds=(filter_fd, passwd_fd, group_fd, info_fd),
            )
        except BaseException:
            os.close(info)
            os.close(output)
            raise
    return Box(process, output), info


def _given(stack: ExitStack, content: bytes) -> int:
    """A descriptor from which the child reads this."""
    reading, writing = os.pipe()
    stack.callback(os.close, reading)
    with os.fdopen(writing, "wb") as file:
        file.write(content)
    return reading


def _let_go(box: Box, info: int, word: socket.socket, limits: Limits) -> None:
    deadline = time.monotonic() + START_SECONDS
    try:
        box.first = _first_process(info, deadline)
        box.ended = os.pidfd_open(box.first)
        word.settimeout(max(deadline - time.monotonic(), 0.1))
        if not word.recv(16):
            raise CannotStart(_complaint(box))
        _favour_others(box.first)
        box.group = _grouped(box.first, limits)
        word.sendall(b"go\n")
    except (ProcessLookupError, TimeoutError, ConnectionError) as error:
        raise CannotStart(_complaint(box)) from error


def _first_process(info: int, deadline: float) -> int:
    """The pid that bwrap reports; it is not reaped, and so not given away, before bwrap itself ends."""
    text = b""
    while not (found := re.search(rb'"child-pid": (\d+)\s', text.replace(b",", b"\n"))):
        if not select.select([info], [], [], max(deadline - time.monotonic(), 0))[0]:
            raise TimeoutError
        piece = os.read(info, CHUNK)
        if not piece:
            raise ConnectionError
        text += piece
    return int(found[1])


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

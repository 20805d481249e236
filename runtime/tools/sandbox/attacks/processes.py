"""Attacks on processes: to see those of others, to trace, to outlive the sandbox, to type into a terminal.

Standard library only.
"""

from __future__ import annotations

import fcntl
import os
import termios
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial

from runtime.tools.sandbox.attacks.common import Attack, Facts, call, calls, managed, own_processes, read

GIVEN = {"PATH", "HOME", "LANG"}
MADE_BY_SHELLS = {"PWD", "OLDPWD", "SHLVL", "_", "LC_CTYPE"}


def other_processes(facts: Facts) -> Iterator[str]:
    """Processes of the machine: to see them, to signal them."""
    own = len(own_processes())
    if own > 8:
        yield f"see {own} processes"
    with suppress(OSError):
        if b"manage.py" in read(f"/proc/{facts.worker}/cmdline"):
            yield "see the worker"
    if os.getppid() != 0 and facts.worker not in map(int, own_processes()):
        yield from managed("signal the worker", partial(os.kill, facts.worker, 0))
    yield from managed("be nicer to oneself", partial(os.setpriority, os.PRIO_PROCESS, 0, -5))


def environment(facts: Facts) -> Iterator[str]:
    """What the worker was told: keys come in its environment."""
    for pid in own_processes():
        with suppress(OSError):
            for pair in read(f"/proc/{pid}/environ").split(b"\0"):
                name = pair.split(b"=")[0].decode("utf-8", "replace")
                if name and name not in GIVEN | MADE_BY_SHELLS:
                    yield f"see {name} of process {pid}"
    for name in set(os.environ) - GIVEN - MADE_BY_SHELLS:
        yield f"inherit {name}"
    if facts.secret in os.environ.values():
        yield "inherit the secret"


def tracing(_: Facts) -> Iterator[str]:
    """Looking into processes: of the sandbox, because nothing else is to be seen."""
    child = os.fork()
    if child == 0:
        time.sleep(60)
        os._exit(0)
    try:
        yield from calls(
            [
                ("ptrace attach", 101, 117, (0x4206, child, 0, 0)),
                ("process_vm_readv", 310, 270, (child, 0, 0, 0, 0, 0)),
                ("process_vm_writev", 311, 271, (child, 0, 0, 0, 0, 0)),
                ("kcmp", 312, 272, (child, child, 0, 0, 0)),
                ("process_madvise", 440, 440, (-1, 0, 0, 0, 0)),
            ]
        )
        with suppress(OSError):
            handle = os.pidfd_open(child)
            yield from calls([("pidfd_getfd", 438, 438, (handle, 0, 0))])
            os.close(handle)
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)


def first_process(_: Facts) -> Iterator[str]:
    """The first process inside must be one of ours, under the filter: its memory can be written to."""
    status = read("/proc/1/status").decode()
    if "Seccomp:\t2" not in status:
        yield "find a first process without a filter"
    if not read("/proc/1/cmdline").startswith(b"/bin/sh"):
        yield "find a first process that is not ours"


def leash(_: Facts) -> Iterator[str]:
    """The signal at the worker's death: to take it off is to live on."""
    yield from managed("take the leash off", partial(call, 157, 167, 1, 0, 0, 0, 0))


def terminal(_: Facts) -> Iterator[str]:
    """Typing into the terminal from which the product was started."""
    yield from managed("open the terminal", partial(os.open, "/dev/tty", os.O_RDWR))
    master, slave = os.openpty()
    for number in (0, 1, 2, slave):
        yield from managed(f"type into {number}", partial(fcntl.ioctl, number, termios.TIOCSTI, b"x"))
        # The upper half of the command does not count for the kernel and must not for the filter.
        high = (1 << 32) | termios.TIOCSTI
        yield from managed(f"type into {number}, long", partial(call, 16, 29, number, high, b"x"))
    os.close(master)
    os.close(slave)


def privileges(_: Facts) -> Iterator[str]:
    """Rights of any kind, or a way back to them."""
    status = dict(line.split(":\t", 1) for line in read("/proc/self/status").decode().splitlines())
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        if int(status[name], 16):
            yield f"have {name} {status[name]}"
    if status["NoNewPrivs"] != "1":
        yield "gain privileges by running a program"
    if 0 in (os.getuid(), os.geteuid(), os.getgid(), os.getegid()):
        yield "be root"
    for number in (0, 65534, os.getuid() + 1):
        yield from managed(f"become user {number}", partial(os.setuid, number))
        yield from managed(f"become group {number}", partial(os.setgid, number))
    yield from managed("choose groups", partial(os.setgroups, [0]))


ATTACKS: dict[str, Attack] = {
    "other_processes": other_processes,
    "environment": environment,
    "tracing": tracing,
    "first_process": first_process,
    "leash": leash,
    "terminal": terminal,
    "privileges": privileges,
}

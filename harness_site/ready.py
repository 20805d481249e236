"""How a process started by the supervisor says that it is up: one byte into the pipe it was given."""

from __future__ import annotations

import os

VARIABLE = "HARNESS_READY_FD"
#: The exit code of a process that could not use the database (sysexits.h: try again later).
DATABASE_AWAY = 75
DEAD_VARIABLE = "HARNESS_DEAD_PROCESSES"


def announce() -> None:
    """Say once that this process now does its work; nothing happens when nobody asked."""
    descriptor = os.environ.pop(VARIABLE, "")
    if descriptor.isdigit():
        try:
            os.write(int(descriptor), b"1")
            os.close(int(descriptor))
        except OSError:
            return  # whoever asked is gone; then its death ends this process, too


def supervised() -> bool:
    """Whether a supervisor waits for the word of this process, and speaks for it."""
    return VARIABLE in os.environ


def predecessors() -> list[int]:
    """The processes that died in this one's place, as its supervisor says: what they held is free."""
    named = os.environ.pop(DEAD_VARIABLE, "")
    return [int(pid) for pid in named.split(",") if pid.isdigit()]

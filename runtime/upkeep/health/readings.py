"""What the checks are given to judge: figures as they were read. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Calls:
    """Model calls of one model within the window. `streak`: good ones in a row, up to the newest."""

    model: str
    made: int
    failed: int
    streak: int


@dataclass(frozen=True, slots=True)
class Written:
    """A trial of writing: how long it took, or why it was given up."""

    seconds: float
    error: str = ""


@dataclass(frozen=True, slots=True)
class Disk:
    """Free space, as `df` has it; `spent`: the reserve for a full disk was given up."""

    percent: float
    spent: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """Workers: how many are there, and for how long none was heard of (None: there never was one)."""

    present: int
    silence: float | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many wait, and for how long the first has waited (None: none does)."""

    count: int
    oldest: float | None


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits in it, and the workers that it failed a short while ago, with the reason."""

    waiting: Waiting
    missed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Shells:
    """Workers that run commands, by what they say of their sandbox."""

    working: int
    off: tuple[tuple[str, str], ...]  #: worker and why


@dataclass(frozen=True, slots=True)
class Store:
    """What keeps the records."""

    name: str
    defect: bool

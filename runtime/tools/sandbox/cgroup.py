"""A control group (version 2) for one command, where one is permitted: the kernel then limits the whole tree.

It is made beside the worker's own group or further up, where a parent already hands memory and processes on
to its children and lets us write: nothing about groups is reconfigured.
"""

from __future__ import annotations

import os
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from runtime.tools.sandbox.limits import Limits

MOUNTS = (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified"))
PREFIX = "agent-harness-"
NEEDED = {"memory", "pids"}


@dataclass(frozen=True, slots=True)
class Group:
    """One group; `close` it when its processes are gone."""

    path: Path

    def add(self, pid: int) -> None:
        """Moves a process into the group; raises OSError."""
        (self.path / "cgroup.procs").write_text(str(pid))

    def ran_out_of_memory(self) -> bool:
        """Whether the kernel ended processes of the group for their memory."""
        try:
            events = dict(line.split() for line in (self.path / "memory.events").read_text().splitlines())
        except (OSError, ValueError):
            return False
        return int(events.get("oom_kill", "0")) > 0

    def close(self) -> None:
        """Removes the group; one that is not empty yet is removed with a later command's."""
        with suppress(OSError):
            self.path.rmdir()


def make(limits: Limits, parent: Path | None) -> Group | None:
    """A new group below the parent with these limits; None when it may not be made."""
    if parent is None:
        return None
    for left in parent.glob(f"{PREFIX}*"):
        with suppress(OSError):
            left.rmdir()  # a worker was killed before it could; one in use cannot be removed
    group = Group(parent / f"{PREFIX}{uuid.uuid4().hex}")
    wanted = {
        "memory.max": str(limits.memory),
        "memory.swap.max": "0",
        "memory.oom.group": "1",
        "pids.max": str(limits.processes),
    }
    try:
        group.path.mkdir()
        for name, value in wanted.items():
            if name != "memory.swap.max" or (group.path / name).exists():
                (group.path / name).write_text(value)
    except OSError:
        group.close()
        return None
    return group


def parent() -> Path | None:
    """The nearest group above this process in which one for a command can be made."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return None
    own = next((line[3:] for line in lines if line.startswith("0::")), None)
    mount = next((path for path in MOUNTS if (path / "cgroup.controllers").exists()), None)
    return fitting(mount, own) if own and mount else None


def fitting(mount: Path, own: str) -> Path | None:
    """The nearest group, from `own` (below the mount) upwards, that hands on what is needed and is open."""
    place = mount / own.lstrip("/")
    for group in (place, *place.parents):
        with suppress(OSError):
            handed_on = set((group / "cgroup.subtree_control").read_text().split())
            if handed_on >= NEEDED and os.access(group, os.W_OK):
                return group
        if group == mount:
            break
    return None

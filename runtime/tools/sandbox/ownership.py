"""Whose the thread's folder is: under root, a uid of the sandbox's own; else the worker's, as all it does.

The file tools run as the worker. What they write takes the owner of its folder (`folder.write_bytes`), so the
walk below happens once in a thread's life: before its first command, when no process of a sandbox is there to
interfere.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from runtime.tools.base import ToolError
from runtime.tools.folder import MAX_DEPTH, Parts, open_folder

#: A range that nobody hands out (below it systemd's homes, above it its dynamic users), so that two threads
#: hardly ever share a uid.
FIRST_UID, UIDS = 60_600, 500
MEASURE_SECONDS = 1.0  # meanwhile nobody looks at the time


def own_uid(folder: Path) -> int | None:
    """The uid for commands in this folder; None to keep the worker's, which is an ordinary one."""
    if os.geteuid() != 0:
        return None
    digest = hashlib.sha256(os.fsencode(folder)).digest()
    return FIRST_UID + int.from_bytes(digest[:8], "big") % UIDS


def hand_over(folder: Path, uid: int | None) -> None:
    """Makes the uid the owner of the folder and all that is in it. Itself comes last: it says "done"."""
    if uid is None or folder.stat().st_uid == uid:
        return
    for below in _folders(folder):
        with open_folder(folder, below) as descriptor, os.scandir(descriptor) as entries:
            for entry in entries:
                os.chown(entry.name, uid, uid, dir_fd=descriptor, follow_symlinks=False)
    os.chown(folder, uid, uid, follow_symlinks=False)


def _folders(root: Path) -> Iterator[Parts]:
    """The folder itself and those in it, down to the depth at which the file tools end."""
    waiting: list[Parts] = [()]
    while waiting:
        names = waiting.pop()
        yield names
        if len(names) < MAX_DEPTH:
            with open_folder(root, names) as descriptor, os.scandir(descriptor) as entries:
                found = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
            waiting += [(*names, name) for name in found]


def can_be_reached(folder: Path) -> bool:
    """Whether any uid may walk to the folder: its parents are open to others, at least to pass."""
    return all(parent.stat().st_mode & 0o001 for parent in folder.resolve().parents)


def measure(folder: Path, bytes_limit: int, entries_limit: int) -> tuple[int, int]:
    """Bytes on disk and entries below the folder, as far as a second and the depth of the file tools reach.

    Not counted further once a limit is passed.
    """
    size = entries_seen = 0
    waiting: list[Parts] = [()]
    deadline = time.monotonic() + MEASURE_SECONDS
    while waiting and size <= bytes_limit and entries_seen <= entries_limit and time.monotonic() < deadline:
        names = waiting.pop()
        try:
            with open_folder(folder, names) as descriptor, os.scandir(descriptor) as entries:
                for entry in entries:
                    entries_seen += 1
                    if not entry.is_dir(follow_symlinks=False):
                        size += entry.stat(follow_symlinks=False).st_blocks * 512
                    elif len(names) < MAX_DEPTH:
                        waiting.append((*names, entry.name))
        except (OSError, ToolError):
            continue  # a command is at work: gone since it was seen, or closed to us
    return size, entries_seen

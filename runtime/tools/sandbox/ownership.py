"""Whose the thread's folder is: under root, a uid of the sandbox's own; else the worker's, as all it does.

The file tools run as the worker. What they write takes the owner of its folder (`folder.write_bytes`), so the
walk below happens once in a thread's life: before its first command, when no process of a sandbox is there to
interfere.
"""

from __future__ import annotations

import errno
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from runtime.tools.base import ToolError
from runtime.tools.folder import MAX_DEPTH, Parts, open_folder

#: A range that nobody hands out (below it systemd's homes, above it its dynamic users), so that two threads
#: hardly ever share a uid.
FIRST_UID, UIDS = 60_600, 500
MEASURE_SECONDS = 1.0  # meanwhile nobody looks at the time
_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)  # or something else by now: a command is at work


class Measured(NamedTuple):
    """Bytes on disk and entries. `hidden`: what keeps more of them from being seen, as the end of a sentence.

    `whole`: nothing was left out for lack of time.
    """

    size: int
    entries: int
    hidden: str = ""
    whole: bool = True


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


def measure(folder: Path, bytes_limit: int, entries_limit: int) -> Measured:
    """What is below the folder, as far as a second reaches. Not counted further once a limit is passed."""
    size = entries = 0
    waiting: list[Parts] = [()]
    deadline = time.monotonic() + MEASURE_SECONDS
    while waiting and size <= bytes_limit and entries <= entries_limit:
        if time.monotonic() > deadline:
            return Measured(size, entries, whole=False)
        names = waiting.pop()
        if len(names) > MAX_DEPTH:
            return Measured(size, entries, f"is nested more than {MAX_DEPTH} folders deep")
        try:
            more, folders, seen = _look_into(folder, names)
        except OSError as error:
            if error.errno in _GONE:
                continue
            return Measured(size, entries, f"holds a folder that nobody can look into ({error.strerror})")
        size, entries = size + more, entries + seen
        waiting += [(*names, name) for name in folders]
    return Measured(size, entries)


def _look_into(folder: Path, names: Parts) -> tuple[int, list[str], int]:
    """Bytes of the files in one folder, the names of its folders, how many both are. Raises OSError."""
    size = seen = 0
    folders: list[str] = []
    try:
        with open_folder(folder, names) as descriptor, os.scandir(descriptor) as entries:
            for entry in entries:
                seen += 1
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.name)
                    continue
                with suppress(FileNotFoundError):  # the others are still there
                    size += entry.stat(follow_symlinks=False).st_blocks * 512
    except ToolError as error:
        if isinstance(error.__cause__, OSError):
            raise error.__cause__ from None
        raise
    return size, folders, seen

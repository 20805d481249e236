"""A file that keeps room on the disk, given up when the disk is full. Standard library only.

On a full disk nothing can be written, and SQLite has to write even to delete. While the file is away, the
room that it gave back is for ending and tidying up: nothing new is started.
"""

from __future__ import annotations

import errno
import logging
import os
from contextlib import suppress
from pathlib import Path

NAME = "reserve"
MEBIBYTE = 1024 * 1024
BYTES = 32 * MEBIBYTE
LEAST_FREE = 8 * MEBIBYTE  #: with less than that it is given up
ENOUGH_FREE = BYTES + 2 * LEAST_FREE  #: with that it is made again
FULL = {errno.ENOSPC, errno.EDQUOT}
WORDS = ("database or disk is full", "no space left on device", "disk quota exceeded")
logger = logging.getLogger(__name__)


def keep(directory: Path) -> bool:
    """Gives the reserve up when the disk is as good as full, and makes it again when there is room. Whether
    it is there; to be called every few seconds."""
    free = _free(directory)
    if is_there(directory):
        return free >= LEAST_FREE or not give_up(directory)
    return free >= ENOUGH_FREE and _make(directory)


def give_up(directory: Path) -> bool:
    """Gives its room back; True when that was done here and now."""
    try:
        (directory / NAME).unlink()
    except OSError:
        return False
    logger.error("The disk with %s is full: the reserve was given up, nothing new is started.", directory)
    return True


def is_there(directory: Path) -> bool:
    """Whether the reserve is whole."""
    try:
        return (directory / NAME).stat().st_size >= BYTES
    except OSError:
        return False


def is_spent(directory: Path) -> bool:
    """Whether the reserve was given up and there is no room for it yet: nothing new is to be started."""
    return not is_there(directory) and _free(directory) < ENOUGH_FREE


def says_full(error: BaseException) -> bool:
    """Whether an error, of the system or of a database, says that the disk is full."""
    if isinstance(error, OSError) and error.errno in FULL:
        return True
    said = str(error).lower()
    return any(words in said for words in WORDS)


def _free(directory: Path) -> int:
    """Bytes that this process may still write."""
    found = os.statvfs(directory)
    return found.f_bavail * found.f_frsize


def _make(directory: Path) -> bool:
    """Takes the room. Two processes that do it at once take it once."""
    path = directory / NAME
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, BYTES)
        finally:
            os.close(descriptor)
    except OSError:  # a quota, for example: there was less room than it seemed
        with suppress(OSError):
            path.unlink()
        return False
    return True

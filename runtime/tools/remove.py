"""Removes a folder whatever a command has left in it.

`shutil.rmtree` gives up on folders that may not be entered and on trees some thousand levels deep. Here
nothing is ever deeper than two: what lies in a folder is moved up before the folder is removed. The tree must
be at rest: no command of its thread runs any more.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from runtime.tools.folder import TEMPORARY

_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove_tree(folder: Path) -> None:
    """Removes the folder; links in it are removed, never followed. Nothing there is fine. Raises OSError."""
    with suppress(FileNotFoundError):
        top = os.open(folder, _FLAGS)
        try:
            while _flatten(top):
                continue
        finally:
            os.close(top)
        os.rmdir(folder)


def _flatten(top: int) -> bool:
    """Removes what is at the top and brings up what lay below it. Whether there was anything."""
    files, folders = _list(top)
    for name in files:
        os.unlink(name, dir_fd=top)
    for name in folders:
        os.chmod(name, 0o700, dir_fd=top)
        below = os.open(name, _FLAGS, dir_fd=top)
        try:
            _bring_up(below, top)
        finally:
            os.close(below)
        os.rmdir(name, dir_fd=top)
    return bool(files or folders)


def _bring_up(below: int, top: int) -> None:
    files, folders = _list(below)
    for name in files:
        os.unlink(name, dir_fd=below)
    for name in folders:
        os.chmod(name, 0o700, dir_fd=below)  # a folder that is moved must be writable
        os.rename(name, f"{TEMPORARY}{secrets.token_hex(16)}", src_dir_fd=below, dst_dir_fd=top)


def _list(folder: int) -> tuple[list[str], list[str]]:
    """Names of what is no folder, and of folders."""
    files: list[str] = []
    folders: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            (folders if entry.is_dir(follow_symlinks=False) else files).append(entry.name)
    return files, folders

"""The one way into a thread's folder: every path is walked name by name and no link is ever followed.

Each folder on the way is opened relative to the one before it (`dir_fd`, `O_NOFOLLOW`), so nothing that swaps
a folder for a link in between can lead outside. Only regular files without a second name (hard link) are
opened, without blocking: a FIFO or a device is refused by name. Writes appear whole or not at all.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import stat
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from runtime.faults import Point, reach
from runtime.tools.base import ToolError

MAX_DEPTH = 64
MAX_NAME_BYTES = 255
MAX_PATH_BYTES = 4096
TEMPORARY = ".harness-"  # names that begin so are ours: hidden from tools and refused in paths
_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

Parts = tuple[str, ...]


class Missing(ToolError):
    """There is nothing of that name."""


def shown(path: str) -> str:
    """A path as a sentence may quote it: short, and without characters that hide or disguise."""
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in path[:200])
    return f"'{text}{'…' if len(path) > 200 else ''}'"


def split(path: str) -> Parts:
    """The names of a relative path, () for the folder itself; raises ToolError naming what is wrong."""
    if path.startswith("/"):
        raise ToolError(f"The path {shown(path)} is absolute; give it relative to the working folder.")
    names = tuple(name for name in path.split("/") if name not in ("", "."))
    for name in names:
        if problem := name_problem(name):
            raise ToolError(f"The path {shown(path)} {problem}.")
    if len(os.fsencode(path)) > MAX_PATH_BYTES or len(names) > MAX_DEPTH:
        limits = f"{MAX_DEPTH} names, {MAX_PATH_BYTES} bytes at most"
        raise ToolError(f"The path {shown(path)} is too long: {limits}.")
    return names


def split_file(path: str) -> Parts:
    """Like `split`, for a path that must name a file."""
    names = split(path)
    if not names or path.endswith(("/", "/.")):
        raise ToolError(f"The path {shown(path)} names a folder, not a file.")
    return names


def name_problem(name: str) -> str:
    """Why a name is not one that tools open; empty when it is."""
    if name == "..":
        return "contains '..', which would leave the working folder"
    if any(unicodedata.category(c) in ("Cc", "Cs") for c in name):
        return "contains a control character or is not UTF-8"
    if len(name.encode()) > MAX_NAME_BYTES:
        return f"has a name that is too long: {MAX_NAME_BYTES} bytes at most"
    if name.startswith(TEMPORARY):
        return f"has a name that begins with '{TEMPORARY}', which is reserved"
    return ""


@contextmanager
def open_folder(root: Path, names: Parts, make: bool = False) -> Iterator[int]:
    """A descriptor of the folder `names` below root; missing folders are made when asked for."""
    descriptor = os.open(root, _FOLDER_FLAGS)
    try:
        for index, name in enumerate(names):
            made = make and _make_folder(descriptor, name)
            try:
                below = os.open(name, _FOLDER_FLAGS, dir_fd=descriptor)
            except OSError as error:
                raise _refusal(descriptor, name, "/".join(names[: index + 1]), error, "a folder") from error
            parent, descriptor = descriptor, below
            try:
                if made:
                    _like_its_folder(parent, below)
                    os.fchmod(below, 0o755)  # whatever the umask says
            finally:
                os.close(parent)
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def open_file(root: Path, names: Parts) -> Iterator[tuple[int, os.stat_result]]:
    """A descriptor of a regular file for reading, and its state when it was opened."""
    path = "/".join(names)
    with open_folder(root, names[:-1]) as folder:
        try:
            _check_regular(os.stat(names[-1], dir_fd=folder, follow_symlinks=False), path)
            descriptor = os.open(names[-1], _FILE_FLAGS, dir_fd=folder)
        except OSError as error:
            raise _refusal(folder, names[-1], path, error, "a file") from error
    try:
        state = os.fstat(descriptor)
        _check_regular(state, path)  # again: the name may have been swapped since
        yield descriptor, state
    finally:
        os.close(descriptor)


def read_bytes(root: Path, names: Parts, limit: int) -> bytes:
    """The whole file; raises ToolError when it is larger than `limit` bytes."""
    with open_file(root, names) as (descriptor, _):
        content = read_up_to(descriptor, limit + 1)
    if len(content) > limit:
        raise ToolError(f"The file {shown('/'.join(names))} is larger than {limit:,} bytes.")
    return content


def read_up_to(descriptor: int, limit: int) -> bytes:
    """The next `limit` bytes, fewer only at the end of the file."""
    pieces: list[bytes] = []
    while limit > 0 and (piece := os.read(descriptor, min(limit, 1 << 20))):
        pieces.append(piece)
        limit -= len(piece)
    return b"".join(pieces)


def write_bytes(root: Path, names: Parts, content: bytes, call_id: str) -> bool:
    """Writes the file so that a crash leaves the old content or the new; True when it replaced a file."""
    path = "/".join(names)
    with open_folder(root, names[:-1], make=True) as folder:
        before = _check_target(folder, names[-1], path)
        prefix = TEMPORARY + hashlib.sha256(call_id.encode()).hexdigest()[:16]
        _clear_leftovers(folder, prefix)
        temporary = f"{prefix}-{secrets.token_hex(8)}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(temporary, flags, 0o600, dir_fd=folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                _like_its_folder(folder, file.fileno())
                # A script that is edited stays a program.
                os.fchmod(file.fileno(), 0o644 | (before.st_mode & 0o111 if before else 0))
                os.fsync(file.fileno())
            reach(Point.FILE_SYNCED)
            os.rename(temporary, names[-1], src_dir_fd=folder, dst_dir_fd=folder)
        except OSError as error:
            with suppress(OSError):
                os.unlink(temporary, dir_fd=folder)
            raise ToolError(f"The file {shown(path)} could not be written: {error.strerror}.") from error
        reach(Point.FILE_RENAMED)
        os.fsync(folder)
    return before is not None


def make_private(folder: Path) -> None:
    """Makes a folder of our own, and those above it that are missing, for nobody else on the machine."""
    if folder.is_dir():
        return
    make_private(folder.parent)
    with suppress(FileExistsError):
        folder.mkdir(0o700)
        folder.chmod(0o700)  # whatever the umask says


def _make_folder(parent: int, name: str) -> bool:
    try:
        os.mkdir(name, 0o700, dir_fd=parent)
    except FileExistsError:
        return False
    os.fsync(parent)
    return True


def _like_its_folder(folder: int, made: int) -> None:
    """Gives what we made to the owner of its folder: under root that may be the sandbox's uid, not ours."""
    owner = os.fstat(folder)
    if owner.st_uid != os.geteuid():
        os.fchown(made, owner.st_uid, owner.st_gid)


def _check_target(folder: int, name: str, path: str) -> os.stat_result | None:
    try:
        state = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    _check_regular(state, path)
    return state


def _clear_leftovers(folder: int, prefix: str) -> None:
    # An attempt that a crash cut off left its half-written file. Should that attempt still be alive
    # somewhere, it fails at its rename, and only this one's content appears.
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if entry.name.startswith(prefix)]
    for name in names:
        with suppress(OSError):
            os.unlink(name, dir_fd=folder)


def _check_regular(state: os.stat_result, path: str) -> None:
    if problem := kind_problem(state):
        raise ToolError(f"The path {shown(path)} {problem}.")


def kind_problem(state: os.stat_result) -> str:
    """Why something is not a file that tools open; empty when it is one."""
    mode = state.st_mode
    if stat.S_ISDIR(mode):
        return "is a folder, not a file"
    if stat.S_ISLNK(mode):
        return "is a symbolic link, and links are not followed"
    if not stat.S_ISREG(mode):
        return "is a device, a pipe or a socket, not a file"
    if state.st_nlink > 1:
        return "has a second name (a hard link), which may lie outside the working folder"
    return ""


def _refusal(folder: int, name: str, path: str, error: OSError, wanted: str) -> ToolError:
    if error.errno == errno.ENOENT:
        return Missing(f"There is no {shown(path)}.")
    if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.ENXIO):
        with suppress(OSError):
            problem = kind_problem(os.stat(name, dir_fd=folder, follow_symlinks=False))
            return ToolError(f"The path {shown(path)} {problem or f'is not {wanted}'}.")
    return ToolError(f"The path {shown(path)} could not be opened: {error.strerror}.")

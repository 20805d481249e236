"""The data directory: made with safe permissions, and the secret key in it.

The directory may be walked through but not listed by others (0711): sandboxed tools run under a uid of their
own and must reach their thread's folder. What is worth reading, databases and keys, is 0600.
Standard library only.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path

DIRECTORY_MODE = 0o711
FILE_MODE = 0o600
PRIVATE = ("*.sqlite*", "secret_key*")
DATABASES = ("runtime.sqlite", "queue.sqlite")
DEFAULT_ADDRESS = "http://127.0.0.1:8000"


def prepare(directory: Path, databases: Iterable[str] = DATABASES) -> None:
    """Make the data directory and empty, private database files; safe to call often and from many processes.

    SQLite gives `-wal` and `-shm` files the permissions of the database, so an empty private file is enough.
    """
    if not directory.is_dir():
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(DIRECTORY_MODE)
    for name in databases:
        path = directory / name
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, FILE_MODE))


def tighten(directory: Path) -> list[str]:
    """Takes from the data directory and its databases and keys what others need not have: an older
    installation, a restored copy or a lax umask gave it. One sentence for each that was, or could not be."""
    said = []
    private = [path for pattern in PRIVATE for path in sorted(directory.glob(pattern))]
    for path, most in [(directory, DIRECTORY_MODE), *((path, FILE_MODE) for path in private)]:
        try:
            mode = path.lstat().st_mode  # a link is left alone: who knows what it points to
            if stat.S_ISLNK(mode) or not mode & 0o777 & ~most:
                continue
            path.chmod(stat.S_IMODE(mode) & ~0o777 | mode & most)
            said.append(f"{path} was open to others ({mode & 0o777:04o}); it is {mode & most:04o} now.")
        except FileNotFoundError:
            continue  # SQLite removes its files beside the database when the last process ends
        except OSError as error:
            said.append(f"{path} is open to others ({mode & 0o777:04o}) and stays so: {error.strerror}.")
    return said


def secret_key(directory: Path) -> str:
    """The key of this installation, made at the first start; the same one for every process of a race."""
    path = directory / "secret_key"
    try:
        return _read_key(path)
    except FileNotFoundError:
        pass
    prepare(directory, ())
    draft = directory / f"secret_key.{os.getpid()}.{secrets.token_hex(4)}"
    descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE_MODE)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(64))
        file.flush()
        os.fsync(file.fileno())
    try:
        # A link, not a rename: it fails when another process was first, and nobody ever sees half a key.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return _read_key(path)


def sentence(error: OSError, directory: Path) -> str:
    """What to tell the person whose command may not use the data directory; empty when it is about another
    file, or a mistake of ours."""
    refused = error.errno in (errno.EACCES, errno.EPERM, errno.EROFS)
    if not refused or not str(error.filename).startswith(str(directory)):
        return ""
    return f"HARNESS_DATA_DIR is {directory}, which cannot be used: {error.strerror} ({error.filename})."


def _read_key(path: Path) -> str:
    """Raises ValueError with a sentence."""
    key = path.read_text(encoding="ascii").strip()
    if len(key) < 50:
        raise ValueError(
            f"The secret key in {path} has fewer than 50 characters. Delete the file to make a new one."
        )
    return key


def address(directory: Path) -> str:
    """The base URL that `up` last served, or the default one."""
    try:
        return (directory / "address").read_text(encoding="utf-8").strip() or DEFAULT_ADDRESS
    except OSError:
        return DEFAULT_ADDRESS


def set_address(directory: Path, url: str) -> None:
    """Remember the base URL that `up` serves, for links made by other commands."""
    write_privately(directory / "address", url + "\n")


def write_privately(path: Path, text: str) -> None:
    """Replaces a small file in one go."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(
        os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, FILE_MODE), "w", encoding="utf-8"
    ) as file:
        file.write(text)
    draft.replace(path)

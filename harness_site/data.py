"""The data directory: made with safe permissions, and the secret key in it.

The directory may be walked through but not listed by others (0711): sandboxed tools run under a uid of their
own and must reach their thread's folder. What is worth reading, databases and keys, is 0600.
Standard library only.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

DIRECTORY_MODE = 0o711
FILE_MODE = 0o600
DEFAULT_ADDRESS = "http://127.0.0.1:8000"


def prepare(directory: Path) -> None:
    """Make the data directory and empty, private database files; safe to call often and from many processes.

    SQLite gives `-wal` and `-shm` files the permissions of the database, so an empty private file is enough.
    """
    if not directory.is_dir():
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(DIRECTORY_MODE)
    for name in ("runtime.sqlite", "queue.sqlite"):
        path = directory / name
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, FILE_MODE))


def secret_key(directory: Path) -> str:
    """The key of this installation, made at the first start; the same one for every process of a race."""
    path = directory / "secret_key"
    try:
        return _read_key(path)
    except FileNotFoundError:
        pass
    prepare(directory)
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


def _read_key(path: Path) -> str:
    key = path.read_text(encoding="ascii").strip()
    if len(key) < 50:
        raise SystemExit(
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
    draft = directory / f"address.{os.getpid()}"
    draft.write_text(url + "\n", encoding="utf-8")
    draft.replace(directory / "address")

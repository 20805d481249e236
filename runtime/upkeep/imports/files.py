"""Files of artifacts: found below the run's own directory, copied with size and hash, no link followed."""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runtime.models import Artifact
from runtime.upkeep.imports.rows import Skip

PIECE = 1 << 20
ESCAPES = "its path leaves the run's directory"
LINKED = "its path goes through a symbolic link, or is no regular file"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def bring(artifact: Artifact, beside: Path) -> None:
    """Copies the file and fills in what the row says about it. `beside`: the folder of the database. Raises
    Skip."""
    with _source(artifact, beside) as source:
        # Made from the id: an import that was cut off writes the same file again.
        artifact.stored_name = hashlib.sha256(artifact.artifact_id.encode()).hexdigest()[:32]
        artifact.size, artifact.sha256 = _write(source, artifact.stored)


@contextmanager
def _source(artifact: Artifact, beside: Path) -> Iterator[int]:
    own = ("threads", artifact.thread_id, "runs", artifact.run_id)
    names = _names(artifact.path, own)
    found: int | None = None
    for below in (own, (*own, "artifacts")):
        found = _open(beside, (*below, *names))
        if found is not None:
            break
    if found is None:
        raise Skip("its file is not there")
    try:
        yield found
    finally:
        os.close(found)


def _names(path: str, own: tuple[str, ...]) -> tuple[str, ...]:
    """The path below the run's directory; it may be told from the folder of the database."""
    names = tuple(part for part in path.replace("\\", "/").split("/") if part not in ("", "."))
    if path.startswith(("/", "\\")) or ".." in names or "\0" in path or not names:
        raise Skip(ESCAPES)
    if names[0] == own[0]:
        if names[: len(own)] != own or len(names) == len(own):
            raise Skip(ESCAPES)
        return names[len(own) :]
    return names


def _open(base: Path, names: tuple[str, ...]) -> int | None:
    """A regular file's descriptor; None when it is not there."""
    folder = os.open(base, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in names[:-1]:
            inner = os.open(name, _FOLDER, dir_fd=folder)
            os.close(folder)
            folder = inner
        file = os.open(names[-1], _FILE, dir_fd=folder)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Skip(LINKED) from error
    finally:
        os.close(folder)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise Skip(LINKED)
    return file


def _write(source: int, target: Path) -> tuple[int, str]:
    """Size and SHA-256 of what was copied: the whole file or none."""
    _make_folders(target.parent)
    draft = target.with_name(f".{target.name}-{secrets.token_hex(8)}")
    size, seen = 0, hashlib.sha256()
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            while piece := os.read(source, PIECE):
                file.write(piece)
                seen.update(piece)
                size += len(piece)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(target)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    folder = os.open(target.parent, _FOLDER)
    os.fsync(folder)
    os.close(folder)
    return size, seen.hexdigest()


def _make_folders(artifacts: Path) -> None:
    """With the modes that the engine gives them: a sandbox's uid must pass through the outer two."""
    run = artifacts.parent
    thread = run.parent.parent
    for folder, mode in (
        (thread.parent, 0o711),
        (thread, 0o711),
        (run.parent, 0o700),
        (run, 0o700),
        (artifacts, 0o700),
    ):
        if not folder.is_dir():
            folder.mkdir(mode, parents=True, exist_ok=True)
            folder.chmod(mode)

"""The catalogue as the files are now, kept by the process."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from runtime import tools, workspace
from runtime.catalogue.catalogue import Catalogue
from runtime.tools import sandbox
from runtime.workspace import WorkspaceError

LOOK_EVERY_SECONDS = 1.0


@dataclass(slots=True)
class _Held:
    """What was loaded last, from which files, and when to look at them again."""

    source: tuple[Any, ...]
    files: tuple[Any, ...]
    look_at: float
    catalogue: Catalogue | None
    problems: list[workspace.Problem]


_lock = threading.Lock()
_held: _Held | None = None


def current() -> Catalogue:
    """The catalogue as the files are now, looked at once a second at most; raises WorkspaceError."""
    global _held
    folder: Path | None = settings.WORKSPACE_DIR
    source = (folder, *(os.environ.get(name) for name in workspace.VARIABLES))
    with _lock:
        if _held is None or _held.source != source or time.monotonic() >= _held.look_at:
            files = (missing(), *_fingerprint(folder))
            if _held is None or (_held.source, _held.files) != (source, files):
                _held = _read(folder, source, files)
            _held.look_at = time.monotonic() + LOOK_EVERY_SECONDS
        held = _held
    if held.catalogue is None:
        raise WorkspaceError(held.problems)
    return held.catalogue


def missing() -> Mapping[str, str]:
    """The built-in tools that do not work on this machine: name → why, in a sentence or two for people."""
    sandbox.keep_in(Path(settings.DATA_DIR) / "sandbox.json")
    return tools.missing()


def forget() -> None:
    """Lets the next `current` read the files anew, without waiting for the second to pass."""
    global _held
    with _lock:
        _held = None


def _read(folder: Path | None, source: tuple[Any, ...], files: tuple[Any, ...]) -> _Held:
    held = _Held(source, files, 0.0, None, [])
    try:
        held.catalogue = Catalogue(workspace.load(folder, os.environ))
    except WorkspaceError as error:
        held.problems = error.problems
    return held


def _fingerprint(folder: Path | None) -> tuple[Any, ...]:
    if folder is None:
        return ()
    found = []
    for path in workspace.workspace_files(folder):
        try:
            state = path.stat()
        except OSError:
            continue
        found.append((path, state.st_mtime_ns, state.st_size, state.st_ino))
    return tuple(found)

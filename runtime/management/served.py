"""Which workspace and model the running product uses, for a command in another terminal.

`serve` notes the settings that say so in the data directory, without the API key; a command that resolves an
agent takes over what its own terminal leaves open. Otherwise a run that is started there would be answered by
the embedded model although the product has a real one.
"""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

from django.conf import settings

from harness_site import data

WORKSPACE = "HARNESS_WORKSPACE"
ADDRESS, MODEL = "HARNESS_MODEL_BASE_URL", "HARNESS_MODEL"
FILE, LOCK = "served.json", "served.lock"
_held: int | None = None  #: the lock, a file descriptor: it ends with the process, however that ends


def remember() -> bool:
    """Notes what this process goes by, as long as it lives. False: another one that lives did so first."""
    global _held
    lock = os.open(settings.DATA_DIR / LOCK, os.O_CREAT | os.O_WRONLY, data.FILE_MODE)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return False
    _held = lock
    folder = settings.WORKSPACE_DIR
    known = {ADDRESS: _own(ADDRESS), MODEL: _own(MODEL), WORKSPACE: str(folder) if folder else ""}
    data.write_privately(settings.DATA_DIR / FILE, json.dumps(known))
    return True


def adopt() -> str:
    """Goes by the running product's settings where this terminal has none. Where it has others they count,
    and the answer is a sentence that says so; else it is empty."""
    known = _remembered()
    differing = [name for name in (WORKSPACE, ADDRESS) if _own(name) and _own(name) != known.get(name, "")]
    if known.get(WORKSPACE) and not _own(WORKSPACE):
        settings.WORKSPACE_DIR = Path(known[WORKSPACE])
    if known.get(ADDRESS) and not _own(ADDRESS):
        os.environ[ADDRESS], os.environ[MODEL] = known[ADDRESS], known.get(MODEL, "")
    if not known or not differing:
        return ""
    return (
        f"This terminal's {' and '.join(differing)} is not what the product was started with: the run goes "
        "by this terminal, and the product's API key is not sent to another address."
    )


def _own(name: str) -> str:
    return os.environ.get(name, "").strip()


def _remembered() -> dict[str, str]:
    try:
        found = json.loads((settings.DATA_DIR / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: value for name, value in found.items() if isinstance(value, str)}

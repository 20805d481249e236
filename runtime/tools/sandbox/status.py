"""Whether this machine has a sandbox: a quick look to list the tools, the whole test before any use.

No command runs before the whole test has been passed, in this boot of the machine, with these programs and
this code. Where its result is kept in a file, other processes and later ones read it there.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from runtime.tools.sandbox import host, selftest
from runtime.tools.sandbox.launch import CannotStart
from runtime.tools.sandbox.limits import Limits
from runtime.tools.sandbox.running import run

AGAIN_SECONDS = 300.0  # after a test that was not passed: the machine may have been too busy
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Working:
    """Commands are held in. `tested`: with every attack; else only a first look was taken."""

    tested: bool


@dataclass(frozen=True, slots=True)
class Off:
    """No command runs. `reason`: a sentence or two for people, with what to do if anything can be done."""

    reason: str


State = Working | Off


class _Knowledge:
    """What this process has found out."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.file: Path | None = None
        self.first: State | None = None
        self.tested: State | None = None
        self.tested_at = 0.0


_known = _Knowledge()


def keep_in(path: Path) -> None:
    """Names the file in which the result of the whole test is kept; its folder must exist."""
    _known.file = path


def state() -> State:
    """What is known now; cheap but for the first time, which may start one sandbox (some 20 ms)."""
    if _known.tested is not None:
        return _known.tested
    if _known.first is None:
        _known.first = _first_look()
    if isinstance(_known.first, Off):
        return _known.first
    return _read(selftest.identity(host.look())) or _known.first


def prove() -> State:
    """The result of the whole test, which is made now if need be (about two seconds)."""
    with _known.lock:
        stale = isinstance(_known.tested, Off) and time.monotonic() - _known.tested_at > AGAIN_SECONDS
        if _known.tested is None or stale:
            _known.tested = _prove()
            _known.tested_at = time.monotonic()
        return _known.tested


def begin() -> None:
    """Starts the whole test in the background; whoever calls `prove` meanwhile waits for it."""
    threading.Thread(target=prove, name="sandbox", daemon=True).start()


def _prove() -> State:
    first = _first_look()  # whatever a file says: this process may have been given fewer rights
    if isinstance(first, Off):
        logger.warning("The shell is off. %s", first.reason)
        return first
    machine = host.look()
    identity = selftest.identity(machine)
    kept = _read(identity)
    if isinstance(kept, Working):
        return kept
    began = time.monotonic()
    found = _guarded(lambda: _whole_test(machine))
    if isinstance(found, Off):
        logger.error("The shell is off. %s", found.reason)
    else:
        logger.debug("The shell's sandbox held off every attack (%.1f s).", time.monotonic() - began)
    _write(identity, found)
    return found


def _whole_test(machine: host.Host) -> State:
    findings = selftest.try_all(machine)
    broken = [finding for finding in findings if finding.managed]
    if not broken:
        return Working(tested=True)
    what = "; ".join(f"{finding.attack}: {', '.join(finding.managed[:3])}" for finding in broken[:3])
    more = f" and {len(broken) - 3} more" if len(broken) > 3 else ""
    return Off(f"The sandbox does not hold on this machine: a command could {what}{more}.")


def _first_look() -> State:
    return _guarded(lambda: _run_nothing(host.look()))


def _run_nothing(machine: host.Host) -> State:
    with selftest.place() as (_, folder):
        outcome = run("exit 7", folder, Limits(seconds=20.0), collect=lambda _: None, on=machine)
    if outcome.exit_code != 7:
        return Off(f"The sandbox does not work: a first command ended with exit code {outcome.exit_code}.")
    return Working(tested=False)


def _guarded(look: Callable[[], State]) -> State:
    try:
        return look()
    except (host.Unavailable, selftest.Broken) as error:
        return Off(str(error))
    except CannotStart as error:
        return Off(f"No sandbox can be started on this machine; {_hint()} It said: {error}.")
    except OSError as error:
        return Off(f"The sandbox could not be tested: {error}.")


def _hint() -> str:
    if os.path.exists("/.dockerenv") or os.path.exists("/run/.containerenv"):
        return "this container may not make user namespaces, which its host must permit."
    return "are unprivileged user namespaces permitted here?"


def _read(identity: str) -> State | None:
    if _known.file is None:
        return None
    try:
        kept = json.loads(_known.file.read_bytes())
        if kept["identity"] != identity:
            return None
        return Off(str(kept["reason"])) if kept["reason"] else Working(tested=True)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(identity: str, found: State) -> None:
    if _known.file is None:
        return
    kept = {"identity": identity, "reason": found.reason if isinstance(found, Off) else ""}
    draft = _known.file.with_name(f"{_known.file.name}.{os.getpid()}.{threading.get_ident()}")
    with suppress(OSError):  # not kept, then: the next process tests for itself
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(kept, file)
        draft.replace(_known.file)

"""Tests the sandbox with all that `attacks/` knows, inside and with the same command line as any command.

The scene outside is set to make it easy: files with a secret beside the working folder; listeners on
loopback, at a path in the working folder, at an abstract name.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import secrets
import shutil
import socket
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from runtime.tools.sandbox import host as machine
from runtime.tools.sandbox.attacks.__main__ import ATTACKS
from runtime.tools.sandbox.attacks.burdens import ALONE, BEAT, ENDED
from runtime.tools.sandbox.attacks.common import Facts
from runtime.tools.sandbox.limits import MIB, Limits
from runtime.tools.sandbox.running import Outcome, run

PACKAGE = Path(__file__).resolve().parent
LIMITS = Limits(
    seconds=60.0,
    memory=192 * MIB,
    processes=32,
    open_files=64,
    file=2 * MIB,
    temporary=8 * MIB,
    output=MIB,
)
SETTLE_SECONDS = 0.3
FACTS = "facts.json"


class Broken(Exception):
    """The test itself did not come to its end; `str()` is a sentence."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What an attack managed, in a few words each; nothing when it was held off."""

    attack: str
    managed: tuple[str, ...]


def try_all(host: machine.Host) -> list[Finding]:
    """Every attack. Raises Broken, Unavailable, CannotStart, OSError."""
    together = [name for name in ATTACKS if name not in ALONE]
    findings = try_some(host, together)
    for name in ALONE:
        findings += try_some(host, [name])
    return findings


def try_some(host: machine.Host, names: Iterable[str]) -> list[Finding]:
    """These attacks, one after the other in one sandbox."""
    with scene() as folder:
        return attack(host, names, folder)


def attack(host: machine.Host, names: Iterable[str], folder: Path) -> list[Finding]:
    """These attacks in the folder of a scene."""
    wanted = list(names)
    command = f"exec python3 -S -s -E -B -m {__package__}.attacks {FACTS} {' '.join(wanted)}"
    printed: list[bytes] = []
    outcome = run(command, folder, LIMITS, collect=printed.append, on=host)
    reports = _reports(b"".join(printed))
    if "orphans" in wanted and _goes_on(folder / BEAT):
        reports["orphans"] = ("go on after the end",)
    for name, reason in ENDED.items():
        if name in wanted and reason in outcome.stopped:
            reports.setdefault(name, ())
    if missing := [name for name in wanted if name not in reports]:
        raise Broken(_explanation(outcome, missing, b"".join(printed)))
    return [Finding(name, reports[name]) for name in wanted]


def _reports(printed: bytes) -> dict[str, tuple[str, ...]]:
    found = {}
    for line in printed.splitlines():
        if line.startswith(b'{"attack"'):
            report = json.loads(line)
            found[str(report["attack"])] = tuple(map(str, report["managed"]))
    return found


def _explanation(outcome: Outcome, missing: list[str], printed: bytes) -> str:
    if outcome.exit_code == 127 and not outcome.stopped:
        return "There is no python3 below /usr, with which the sandbox is tested; install it."
    said = printed.decode("utf-8", "replace").strip().splitlines()
    ending = outcome.stopped or f"it ended with exit code {outcome.exit_code}"
    return (
        f"The test of the sandbox broke off before {missing[0]}: {ending} ({said[-1] if said else 'silent'})."
    )


def _goes_on(beat: Path) -> bool:
    before = beat.stat().st_size
    time.sleep(SETTLE_SECONDS)
    return beat.stat().st_size != before


@contextmanager
def place() -> Iterator[tuple[Path, Path]]:
    """A folder for a while, and an empty working folder in it."""
    with tempfile.TemporaryDirectory(prefix="harness-", ignore_cleanup_errors=True) as name:
        outside, folder = Path(name), Path(name, "files")
        outside.chmod(0o711)
        folder.mkdir()
        yield outside, folder


@contextmanager
def scene() -> Iterator[Path]:
    """A working folder with the attacks in it, and the surroundings."""
    with ExitStack() as stack:
        outside, folder = stack.enter_context(place())
        _copy_attacks(folder)
        secret = secrets.token_hex(16)
        readable, private = outside / "readable", outside / "private" / "key"
        private.parent.mkdir(mode=0o700)
        for path, mode in ((readable, 0o644), (private, 0o600)):
            path.write_text(secret)
            path.chmod(mode)
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        at_path = _listen(stack, str(folder / "service"))
        os.chmod(at_path, 0o777)  # noqa: S103
        abstract = f"harness-{secrets.token_hex(8)}"
        _listen(stack, "\0" + abstract)
        facts = Facts(
            secret=secret,
            readable=str(readable),
            private=str(private),
            port=listener.getsockname()[1],
            socket="service",
            abstract=abstract,
            worker=os.getpid(),
            processes=LIMITS.processes,
            open_files=LIMITS.open_files,
            sockets=LIMITS.sockets,
            memory=LIMITS.memory,
            file=LIMITS.file,
            temporary=LIMITS.temporary,
        )
        (folder / FACTS).write_text(json.dumps(asdict(facts)))
        yield folder


def _listen(stack: ExitStack, name: str) -> str:
    listener = stack.enter_context(socket.socket(socket.AF_UNIX))
    listener.bind(name)
    listener.listen(16)
    return name


def _copy_attacks(folder: Path) -> None:
    """The attacks at the place where they import each other from; nothing else of the product."""
    inside = folder
    for part in __package__.split("."):
        inside = inside / part
        inside.mkdir()
        (inside / "__init__.py").touch()
    shutil.copytree(PACKAGE / "attacks", inside / "attacks", ignore=shutil.ignore_patterns("__pycache__"))


@cache
def identity(host: machine.Host) -> str:
    """What the result depends on: this boot of this machine, its programs, this code."""
    parts = [platform.release(), platform.machine(), str(os.geteuid()), repr(host)]
    parts.append(Path("/proc/sys/kernel/random/boot_id").read_text())
    for program in (host.bwrap, host.setpriv, host.prlimit, host.unshare):
        state = os.stat(program)
        parts.append(f"{program} {state.st_ino} {state.st_size} {state.st_mtime_ns}")
    parts += [path.read_text() for path in sorted(PACKAGE.rglob("*.py"))]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()

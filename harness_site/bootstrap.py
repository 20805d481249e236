"""Makes the virtual environment `.venv` beside manage.py and enters it. Standard library only.

Each lock file that is wanted has a stamp in `.venv`, the hash of the lock that was installed: a changed lock
is installed again. While an install runs, `.venv/.installing` says so; when it is found later, that install
was interrupted and the environment is made anew. One file lock covers it all and is inherited by pip, so that
a second command waits even for a pip whose parent was killed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from harness_site.notices import say

ROOT = Path(__file__).resolve().parent.parent
RUNTIME_LOCK = "requirements.lock"
POSTGRES_LOCK = "requirements-postgres.lock"  # what DATABASE_URL needs beside the runtime lock
REDIS_LOCK = "requirements-redis.lock"  # what REDIS_URL needs
TEST_LOCK = "requirements-test.lock"  # contains everything of the other three, in the same versions
OLDEST = (3, 11)
NETWORK_SIGNS = (
    "NewConnectionError",
    "NameResolutionError",
    "Temporary failure in name resolution",
    "Network is unreachable",
    "ConnectTimeoutError",
    "ProxyError",
    "No matching distribution found",
)


class BootstrapError(Exception):
    """Its text is one sentence for the person at the terminal."""


def enter(arguments: list[str]) -> None:
    """Return inside an up-to-date `.venv`; elsewhere replace this process by the same command in it."""
    wanted = wanted_locks(arguments, os.environ)
    environment = Environment(ROOT)
    try:
        installed = False
        if not environment.is_ready(*wanted):
            use_new_python()
            installed = environment.make(*wanted)
    except BootstrapError as error:
        say(str(error), "ERROR")
        sys.exit(1)
    except KeyboardInterrupt:
        say("Interrupted; the next command starts the installation again.", "ERROR")
        sys.exit(1)
    if installed or Path(sys.prefix).resolve() != environment.folder.resolve():
        sys.stderr.flush()
        os.execv(environment.python, [str(environment.python), *sys.orig_argv[1:]])  # noqa: S606


def wanted_locks(arguments: list[str], environ: Mapping[str, str]) -> tuple[str, ...]:
    """The locks that this command needs, with the extras that the environment asks for."""
    if arguments[1:2] == ["test"]:
        return (TEST_LOCK,)
    wanted = [RUNTIME_LOCK]
    if environ.get("DATABASE_URL", "").strip().lower().startswith("postgres"):
        wanted.append(POSTGRES_LOCK)
    if environ.get("REDIS_URL", "").strip():
        wanted.append(REDIS_LOCK)
    return tuple(wanted)


def use_new_python() -> None:
    """Go on in a newer Python of this machine when the running one is too old to make the environment."""
    if sys.version_info >= OLDEST:
        return
    for minor in range(19, OLDEST[1] - 1, -1):
        python = shutil.which(f"python3.{minor}")
        if python:
            os.execv(python, [python, *sys.argv])  # noqa: S606
    found = ".".join(str(part) for part in sys.version_info[:3])
    raise BootstrapError(f"Python 3.11 or newer is needed; this one is {found} ({sys.executable}).")


class Environment:
    """The virtual environment of the project in `root`; its locks lie in `root/harness_site`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / ".venv"
        self.python = self.folder / "bin" / "python"
        self.unfinished = self.folder / ".installing"

    def is_ready(self, *wanted: str) -> bool:
        """Whether exactly these locks are installed, completely."""
        return self.python.exists() and not self.unfinished.exists() and not self._missing(wanted)

    def _missing(self, wanted: Iterable[str]) -> list[str]:
        return [name for name in wanted if self._installed(name) != self._hash(name)]

    def _installed(self, name: str) -> str:
        try:
            return self._stamp(name).read_text(encoding="ascii")
        except OSError:
            return ""

    def make(self, *wanted: str) -> bool:
        """Make and fill the environment; False when another process did it while this one waited."""
        with open(self.root / ".venv.lock", "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("Another command is installing; waiting for it …")
                fcntl.flock(lock, fcntl.LOCK_EX)
            if self.is_ready(*wanted):
                return False
            started = time.monotonic()
            self._create(lock.fileno())
            for name in self._missing(wanted):
                self._install(name, lock.fileno())
            say(f"Installed in {time.monotonic() - started:.0f} s.")
            return True

    def _create(self, lock: int) -> None:
        if self.unfinished.exists() or not self.python.exists():
            shutil.rmtree(self.folder, ignore_errors=True)
        if self.python.exists():
            return
        say("Making the virtual environment .venv …")
        # The marker comes first: a folder with less than a whole environment must be seen as unfinished.
        self.folder.mkdir(parents=True, exist_ok=True)
        self.unfinished.touch()
        answer = run([sys.executable, "-m", "venv", str(self.folder)], lock)
        if answer.returncode:
            if "ensurepip" in answer.stdout:
                raise BootstrapError(
                    "This Python cannot make virtual environments; "
                    "install its venv package (Debian and Ubuntu: apt install python3-venv) and start again."
                )
            raise BootstrapError(f"Could not make {self.folder}: {last_line(answer.stdout)}")

    def _install(self, wanted: str, lock: int) -> None:
        """What is there in the right version stays untouched, also under a process that uses it now."""
        was_whole = not self.unfinished.exists()
        self.unfinished.touch()
        path = self._lock(wanted)
        count = sum("==" in line for line in path.read_text(encoding="utf-8").splitlines())
        say(f"Installing {count} packages from harness_site/{wanted} …")
        pip = [str(self.python), "-m", "pip", "install", "--quiet", "--no-input", "--retries=2"]
        pip += ["--disable-pip-version-check", "--no-warn-script-location", "--progress-bar=off"]
        # The lock is complete and every package has a wheel: nothing is resolved, built, or run at install.
        pip += ["--require-hashes", "--no-deps", "--only-binary=:all:", "-r", str(path)]
        answer = run(pip, lock)
        if answer.returncode:
            if was_whole:  # pip fetches everything before it changes anything: what was there still works
                self.unfinished.unlink()
            raise BootstrapError(explain(answer.stdout))
        others = (RUNTIME_LOCK, POSTGRES_LOCK, REDIS_LOCK) if wanted == TEST_LOCK else ()
        for name in (wanted, *others):
            if self._lock(name).exists():
                self._stamp(name).write_text(self._hash(name), encoding="ascii")
        self.unfinished.unlink()

    def _stamp(self, name: str) -> Path:
        return self.folder / f".{name}.sha256"

    def _lock(self, name: str) -> Path:
        return self.root / "harness_site" / name

    def _hash(self, name: str) -> str:
        return hashlib.sha256(self._lock(name).read_bytes()).hexdigest()


def run(command: list[str], lock: int) -> subprocess.CompletedProcess[str]:
    """Run it quietly, its output together in `stdout`; it keeps the file lock for as long as it lives."""
    return subprocess.run(  # noqa: S603  (our own command)
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        pass_fds=[lock],
        check=False,
    )


def explain(output: str) -> str:
    """One sentence for what pip said when it failed."""
    if "DO NOT MATCH THE HASHES" in output:
        return "A downloaded package does not match its hash in the lock file; nothing of it was used."
    if any(sign in output for sign in NETWORK_SIGNS):
        return (
            "Could not fetch the dependencies: the package index cannot be reached or lacks a package. "
            "Connect for the first start, or set PIP_INDEX_URL to a mirror."
        )
    return f"Could not install the dependencies: {last_line(output)}"


def last_line(output: str) -> str:
    """The last line that says something, an error if there is one."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines or ["no reason given"])[-1]

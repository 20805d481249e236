"""The product's processes as its supervisor starts them, one web server and one worker, for a benchmark."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.db import connection

from harness_site.listening import listen_on
from harness_site.ready import VARIABLE as READY_VARIABLE
from runtime.benchmarks import place
from runtime.benchmarks.report import BenchmarkError

MANAGE = Path(settings.BASE_DIR) / "manage.py"
START_SECONDS, STOP_SECONDS = 60.0, 20.0
TICKS = os.sysconf("SC_CLK_TCK")
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


@dataclass
class Product:
    """One running web server and one running worker."""

    port: int
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def cpu_seconds(self) -> dict[str, float]:
        """Processor time used so far, by process."""
        return {name: cpu_seconds(process.pid) for name, process in self.processes.items()}

    def check(self) -> None:
        """Raises BenchmarkError when one of them has ended."""
        for name, process in self.processes.items():
            if process.poll() is not None:
                raise BenchmarkError(f"The {name} process ended in the middle; its own message is above.")


@contextmanager
def running(
    names: Sequence[str] = ("web", "worker"), *, profiles: Mapping[str, Path] | None = None
) -> Iterator[Product]:
    """Both processes, ready; ended at the end of the block. `profiles`: process → where its profile goes."""
    listener = listen_on("127.0.0.1", 0)
    commands = {"web": ["serve", "--fd", str(listener.fileno())], "worker": ["run_huey"]}
    product = Product(listener.getsockname()[1])
    try:
        for name in names:
            profile = (profiles or {}).get(name)
            how = [str(MANAGE)] if profile is None else ["-m", "runtime.benchmarks.profiling", str(profile)]
            command = [sys.executable, *how, *commands[name]]
            product.processes[name] = start(command, (listener.fileno(),))
        yield product
    finally:
        for process in product.processes.values():
            process.terminate()
        for process in product.processes.values():
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        listener.close()


def die_with_us() -> None:
    """In a new process, before it begins: it is killed when this one ends, however that comes about."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def start(command: Sequence[str], descriptors: tuple[int, ...] = ()) -> subprocess.Popen[bytes]:
    """Starts a process that says when it is ready, and waits for that; it dies with this one."""
    ours, theirs = os.pipe()
    process = subprocess.Popen(  # noqa: S603  (our own command)
        command,
        cwd=settings.BASE_DIR,
        stdin=subprocess.DEVNULL,
        pass_fds=(*descriptors, theirs),
        env={**place.environment(), READY_VARIABLE: str(theirs)},
        preexec_fn=die_with_us,  # noqa: PLW1509  (no thread yet)
    )
    os.close(theirs)
    try:
        ready = select.select([ours], [], [], START_SECONDS)[0]
        if not ready or os.read(ours, 1) != b"1":
            process.kill()
            process.wait()
            raise BenchmarkError(f"`{' '.join(command[1:])}` did not come up.")
    finally:
        os.close(ours)
    return process


def cpu_seconds(pid: int) -> float:
    """Processor time of a process and all its threads, in steps of a hundredth."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def wait_until(seconds: float, what: str) -> Iterator[None]:
    """Yields every 10 ms; raises BenchmarkError when `what` did not come true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield
        time.sleep(0.01)
    raise BenchmarkError(f"{what} did not happen within {seconds:g} s.")


def resident(pid: int) -> int:
    """Bytes of memory that a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def thread_count(pid: int) -> int:
    """Threads of a process."""
    return len(os.listdir(f"/proc/{pid}/task"))


def database_connections(pid: int) -> int:
    """Connections of a process to the records: each has SQLite's log open once, PostgreSQL counts its own."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # This process and its cursor are not meant.
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
            return int(cursor.fetchone()[0]) - 1
    found = 0
    for name in os.listdir(f"/proc/{pid}/fd"):
        with suppress(OSError):  # closed meanwhile
            found += os.readlink(f"/proc/{pid}/fd/{name}").endswith("/runtime.sqlite-wal")
    return found

"""Starts the web server and the workers, restarts one that dies, ends them all. Standard library only.

`manage.py up` becomes this small process (by execv) when everything is set up, so that the whole tree needs
little memory. Its children stay in its process group, and the kernel ends them when it is killed itself.

    manage.py supervise LISTENER URL WORKERS BROWSER
        LISTENER  file descriptor of the listening socket, for `serve`
        URL       http://HOST:PORT, where the socket is reached from here
        WORKERS   how many `run_huey`
        BROWSER   1: open the page when all is up
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from typing import NoReturn

from harness_site.notices import say
from harness_site.readiness import Probe
from harness_site.ready import DATABASE_AWAY, DEAD_VARIABLE
from harness_site.ready import VARIABLE as READY_VARIABLE

END_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
HASTE_SECONDS = (
    0.5  # a second signal that comes so soon is the same one, sent to the process and to its group
)
GRACE_SECONDS = 8.0  # then a child is killed: all has to be over within 10
FIRST_DELAY, LONGEST_DELAY = 0.1, 30.0
STEADY_SECONDS = 60.0  # a child that lived so long is restarted without extra delay
TRIES_BEFORE_READY = 3
PR_SET_PDEATHSIG = 1

MANAGE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "manage.py")
LIBC = ctypes.CDLL(None)


class Child:
    """One process to keep alive: a command, what to call it, the descriptors it is given."""

    def __init__(self, name: str, command: list[str], descriptors: tuple[int, ...] = ()) -> None:
        self.name = name
        self.command = command
        self.descriptors = descriptors
        self.process: subprocess.Popen[bytes] | None = None
        self.start_at = 0.0  # monotonic; when it is down, the time of its next start
        self.started_at = 0.0
        self.delay = FIRST_DELAY
        self.failures = 0  # ends that another start will hardly mend
        self.dead: list[int] = []  # processes that died since the last one that came up
        self.ready = False
        self.ready_pipe = -1

    def start(self, now: float) -> None:
        """Start it, with a pipe through which it says that it is up."""
        self.ready, self.started_at = False, now
        self.ready_pipe, theirs = os.pipe()
        supervisor = os.getpid()

        def die_with_supervisor() -> None:
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != supervisor:
                os._exit(1)  # it died before the kernel was asked

        self.process = subprocess.Popen(  # noqa: S603  (our own command)
            self.command,
            stdin=subprocess.DEVNULL,
            pass_fds=(*self.descriptors, theirs),
            env={
                "MALLOC_ARENA_MAX": "2",
                **os.environ,
                READY_VARIABLE: str(theirs),
                DEAD_VARIABLE: ",".join(map(str, self.dead)),
            },
            preexec_fn=die_with_supervisor,  # noqa: PLW1509  (one thread here)
        )
        os.close(theirs)

    def hear(self) -> None:
        """Read the pipe: a byte means up, its end means nothing more will come."""
        self.ready = self.ready or os.read(self.ready_pipe, 1) == b"1"
        if self.ready:
            self.dead.clear()
        self.close_pipe()

    def close_pipe(self) -> None:
        if self.ready_pipe >= 0:
            os.close(self.ready_pipe)
            self.ready_pipe = -1

    def reap(self, now: float) -> str | None:
        """When it has ended: plan its next start, and say how it ended."""
        if self.process is None or self.process.poll() is None:
            return None
        code, pid = self.process.returncode, self.process.pid
        self.process = None
        self.close_pipe()
        self.ready = False
        self.failures += code != DATABASE_AWAY
        self.dead.append(pid)
        if now - self.started_at >= STEADY_SECONDS:
            self.delay = FIRST_DELAY
        self.start_at = now + self.delay
        self.delay = min(self.delay * 2, LONGEST_DELAY)
        how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
        return f"{self.name} (process {pid}) {how}"


class Supervisor:
    """Keeps the children alive until a signal says that it is over."""

    def __init__(self, children: list[Child], probe: Probe, browser: bool) -> None:
        self.children = children
        self.probe = probe
        self.browser = browser
        self.opened: subprocess.Popen[bytes] | None = None
        self.ready = False
        self.ends = 0
        self.wakeup, writing = os.pipe()
        os.set_blocking(self.wakeup, False)
        os.set_blocking(writing, False)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # wakes the loop
        for number in END_SIGNALS:
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup keeps it alive
                signal.signal(number, self._end)

    def _end(self, *_: object) -> None:
        self.ends += 1

    def run(self) -> int:
        """The exit code: 0 when asked to end, 1 when it could not be brought up."""
        code = 0
        while not self.ends:
            now = time.monotonic()
            for child in self.children:
                if child.process is None and child.start_at <= now:
                    child.start(now)
            self._wait(self._patience(now))
            if not self._reap(time.monotonic()):
                code = 1
                break
            if not self.ready and self.probe.succeeded and all(child.ready for child in self.children):
                self._now_ready()
        self.stop()
        if code == 0:
            say("Stopped. What was under way goes on at the next start.")
        return code

    def _patience(self, now: float) -> float | None:
        times = [child.start_at - now for child in self.children if child.process is None]
        if self._probes():
            times.append(self.probe.patience(now))
        return max(0.0, min(times)) if times else None

    def _wait(self, patience: float | None) -> None:
        """Sleep until a signal, a child's word or the probe's answer comes."""
        pipes = {child.ready_pipe: child for child in self.children if child.ready_pipe >= 0}
        sources = [self.wakeup, *pipes]
        if not self.ready:
            sources += self.probe.sources()
        for source in select.select(sources, [], [], patience)[0]:
            if source == self.wakeup:
                with contextlib.suppress(BlockingIOError):
                    os.read(self.wakeup, 4096)
            elif source in pipes:
                pipes[source].hear()
            else:
                self.probe.hear()
        if self._probes():
            self.probe.ask(time.monotonic())

    def _probes(self) -> bool:
        """Whether the server is to be asked; one that is not up yet will say so itself."""
        return not self.ready and not self.probe.succeeded and self.children[0].ready

    def _reap(self, now: float) -> bool:
        """Note who ended; False when it makes no sense to go on."""
        if self.opened is not None and self.opened.poll() is not None:
            self.opened = None
        for child in self.children:
            end = child.reap(now)
            if end is None or self.ends:
                continue
            if not self.ready and child.failures >= TRIES_BEFORE_READY:
                times = f"{child.failures} times before it was up"
                say(f"{end}, {times}; giving up. Its own message is above.", "ERROR")
                return False
            say(f"{end}; starting it again in {max(0.0, child.start_at - now):.1f} s.", "WARNING")
        return True

    def _now_ready(self) -> None:
        self.ready = True
        print(f"ready: {self.probe.url}/", flush=True)  # noqa: T201
        if self.browser:
            self.opened = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", "webbrowser", "-t", f"{self.probe.url}/"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C in this terminal is not meant for the browser
            )

    def stop(self) -> None:
        """End every child: politely, then, after a while or at a second signal, by force."""
        alive = [child.process for child in self.children if child.process is not None]
        for process in alive:
            process.terminate()
        asked, began = self.ends, time.monotonic()
        while any(process.poll() is None for process in alive):
            left = began + GRACE_SECONDS - time.monotonic()
            if time.monotonic() - began < HASTE_SECONDS:
                asked = self.ends
            if left <= 0 or self.ends > asked:
                for process in alive:
                    process.kill()
                break
            select.select([self.wakeup], [], [], left)
            with contextlib.suppress(BlockingIOError):
                os.read(self.wakeup, 4096)
        for process in alive:
            process.wait()


def become(listener: int, url: str, workers: int, browser: bool) -> NoReturn:
    """Replace this process by the supervisor."""
    os.set_inheritable(listener, True)
    words = [str(listener), url, str(workers), str(int(browser))]
    # Without site-packages: it starts in milliseconds and needs nothing of them.
    os.execv(sys.executable, [sys.executable, "-S", MANAGE, "supervise", *words])  # noqa: S606


def main(listener: str, url: str, workers: str, browser: str) -> int:
    """Supervise until the end; returns the exit code."""
    python = [sys.executable, MANAGE]
    # `up` has run the checks; a workspace that broke since must not keep the pages down.
    words = [*python, "serve", "--skip-checks", "--fd", listener]
    serve = Child("manage.py serve", words, (int(listener),))
    others = [Child("manage.py run_huey", [*python, "run_huey"]) for _ in range(int(workers))]
    return Supervisor([serve, *others], Probe(url), browser == "1").run()

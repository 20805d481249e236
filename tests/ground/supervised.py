"""Real processes for the supervisor to look after: `python -m tests.ground.supervised KIND …`.

    drive KIND…     a supervisor over a `server` and these kinds; `late` among them: over a `late` server
    server FD       answers every request on the listening socket with 200
    late FD         the same, but takes its time to come up
    worker          says that it is up and waits
    stubborn        the same, but ignores SIGTERM
    orderly         takes a moment for its end, and prints `left`
    broken          ends at once with exit code 3
    away            the same as one that misses the database, while the file lies there that AWAY names

Each child prints `KIND PID` when it is up.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time

from harness_site import ready, supervisor
from harness_site.listening import listen_on, url_of
from harness_site.readiness import Probe

LATE_SECONDS = 2.0


def announce(kind: str) -> None:
    """Tell the test and the supervisor."""
    os.write(1, f"{kind} {os.getpid()}\n".encode())  # in one piece: several write here
    ready.announce()


def server(descriptor: str) -> None:
    listener = socket.socket(fileno=int(descriptor))
    announce("server")
    while True:
        client, _ = listener.accept()
        with client:
            client.recv(4096)
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def leave(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(0.3)
    os.write(1, b"left\n")
    sys.exit(0)


def wait(kind: str) -> None:
    if kind == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if kind == "orderly":
        signal.signal(signal.SIGTERM, leave)
    announce(kind)
    time.sleep(120)


def drive(kinds: list[str]) -> int:
    supervisor.GRACE_SECONDS = 1.0
    listener = listen_on("127.0.0.1", 0)
    this = [sys.executable, "-m", "tests.ground.supervised"]
    fd = listener.fileno()
    first = "late" if "late" in kinds else "server"
    children = [supervisor.Child("server", [*this, first, str(fd)], (fd,))]
    children += [supervisor.Child(kind, [*this, kind]) for kind in kinds if kind != "late"]
    return supervisor.Supervisor(children, Probe(url_of(listener)), browser=False).run()


def main(kind: str, *rest: str) -> int:
    if kind == "drive":
        return drive(list(rest))
    if kind == "late":
        time.sleep(LATE_SECONDS)
    if kind in ("server", "late"):
        server(*rest)
    if kind == "broken":
        return 3
    if kind == "away" and os.path.exists(os.environ["AWAY"]):
        return ready.DATABASE_AWAY
    wait(kind)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

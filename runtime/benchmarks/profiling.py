"""Runs one of the product's commands with a profile of every thread, which goes to a file.

`python -m runtime.benchmarks.profiling FILE COMMAND …`. It counts what the clock on the wall says: threads
that wait are seen to wait, by the names of what they wait in. A clock of each thread's processor time would
cost more than what it measures.
"""

from __future__ import annotations

import cProfile
import pstats
import signal
import sys
import threading
from io import StringIO
from typing import Any

SHOWN = 25
POSSIBLE = sys.version_info < (3, 12)  # later ones have one profile for all threads, which mixes them up


class Profiles:
    """One profile for each thread that ever ran."""

    def __init__(self) -> None:
        self._all: list[cProfile.Profile] = []

    def begin(self) -> None:
        """Profiles the calling thread from now on."""
        profile = cProfile.Profile()
        self._all.append(profile)
        profile.enable()

    def dump(self, path: str) -> None:
        """Writes all of them added up, for `pstats`."""
        total: pstats.Stats | None = None
        for profile in self._all:
            # Not `create_stats`, which would stop the profile of the calling thread.
            profile.snapshot_stats()
            if not profile.stats:
                continue
            profile.create_stats = lambda: None  # type: ignore[method-assign]
            total = pstats.Stats(profile) if total is None else total.add(profile)
        if total is not None:
            total.dump_stats(path)


def main(path: str, *command: str) -> None:
    """The command, profiled until it ends."""
    profiles = Profiles()
    run_plainly = threading.Thread.run

    def run(self: threading.Thread) -> None:
        profiles.begin()
        run_plainly(self)

    threading.Thread.run = run  # type: ignore[method-assign]
    profiles.begin()
    # The web server's last act is to send itself the signal that ended it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    arguments = ["manage.py", *command]
    sys.argv[:] = arguments
    try:
        _manage(arguments)
    finally:
        profiles.dump(path)


def _manage(arguments: list[str]) -> Any:
    import manage

    return manage.run(arguments)


def shown(path: str) -> str:
    """The functions that cost most: by their own time, then with what they called."""
    text = StringIO()
    stats = pstats.Stats(path, stream=text).strip_dirs()
    for order in ("tottime", "cumtime"):
        stats.sort_stats(order).print_stats(SHOWN)
    return text.getvalue()


if __name__ == "__main__":
    main(*sys.argv[1:])

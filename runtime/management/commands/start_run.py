"""`manage.py start_run "INPUT"`: starts a run from the terminal."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import CommandError

from runtime import access, actions
from runtime.lifecycle import RunState
from runtime.management import served
from runtime.management.follow import follow
from runtime.management.plain import PlainCommand
from runtime.models import Worker

EXIT_CODES = {RunState.COMPLETED: 0, RunState.WAITING_FOR_APPROVAL: 2, RunState.IN_DOUBT: 2}


class Command(PlainCommand):
    """Prints the run's id. With `--follow`: its text and events, too, until it ends or waits for a person."""

    help = "Start a run and print its id."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("input", help="what the agent is asked")
        parser.add_argument("--agent", metavar="ID", help="which agent (the thread's, or the default one)")
        parser.add_argument("--thread", metavar="ID", help="continue this thread (without: a new one)")
        parser.add_argument(
            "--follow",
            action="store_true",
            help="stream it; exit 0 when it completed, 2 when it waits for a person, 1 else",
        )

    def handle(
        self, *args: Any, input: str, agent: str | None, thread: str | None, follow: bool, **options: Any
    ) -> None:
        if otherwise := served.adopt():
            self.stderr.write(otherwise)
        try:
            run = actions.start_run(access.command(), input, agent=agent, thread_id=thread)
        except actions.Refused as refused:
            raise CommandError(refused.detail) from refused
        self.stdout.write(run.run_id)
        self.stdout.flush()
        if not Worker.objects.alive(datetime.now(UTC)).exists():
            self.stderr.write("No worker is running; the run waits for `python3 manage.py up`.")
        if follow:
            sys.exit(self._follow(run.run_id))

    def _follow(self, run_id: str) -> int:
        try:
            run = follow(run_id, sys.stdout)
        except KeyboardInterrupt:
            self.stderr.write("The run goes on without you.")
            return 1
        except BrokenPipeError:
            # Nobody reads any more; Python must not try to flush at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        return 1 if run is None else EXIT_CODES.get(RunState(run.state), 1)

"""`up`: set everything up, then become the supervisor of web server and workers."""

from __future__ import annotations

import fcntl
import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.urls import reverse

from harness_site import data, supervisor
from harness_site.listening import AddressError, listen_on, url_of
from runtime import access, tasks
from runtime.journal.schema import ForeignSchema, check_schema, setting_up
from runtime.management import first
from runtime.management.plain import PlainCommand

MOST_WORKERS = 64


class Command(PlainCommand):
    """The main job: a working installation from nothing, until Ctrl-C."""

    help = "Set up what is missing, then run web server and workers until Ctrl-C."
    requires_system_checks: list[str] = ["harness"]

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
        parser.add_argument("--port", type=int, default=8000, help="port to listen on (8000); 0: a free one")
        parser.add_argument("--workers", type=int, default=1, help="worker processes (1)")
        parser.add_argument("--no-open", action="store_true", help="do not open the browser")

    def handle(self, *args: Any, host: str, port: int, workers: int, no_open: bool, **options: Any) -> None:
        if not 1 <= workers <= MOST_WORKERS:
            raise CommandError(f"--workers is {workers}; it must be from 1 to {MOST_WORKERS}.")
        lock = take_lock(settings.DATA_DIR)
        for sentence in data.tighten(settings.DATA_DIR):
            self.stderr.write(sentence)
        try:
            listener = listen_on(host, port)
        except AddressError as error:
            raise CommandError(str(error)) from None
        url = url_of(listener)
        data.set_address(settings.DATA_DIR, url)
        with setting_up():
            self._prepare_records()
        self._print_sign_in(os.environ.get("HARNESS_BASE_URL", "").strip().rstrip("/") or url)
        self._warn_about_hosts(host)
        connections.close_all()
        self.stdout.flush()
        os.set_inheritable(lock.fileno(), True)
        supervisor.become(listener.fileno(), url, workers, browser=not no_open and has_display())

    def _prepare_records(self) -> None:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            self.stderr.write("Preparing the database …")
            call_command("migrate", verbosity=0, interactive=False)
        tasks.prepare_store()
        try:
            check_schema(str(connection.settings_dict["NAME"]))
        except ForeignSchema as error:
            raise CommandError(str(error)) from None

    def _print_sign_in(self, base: str) -> None:
        administrator = first.administrator()
        if administrator is None:
            self.stderr.write("No active administrator; `manage.py sign_in_link --user NAME` makes a link.")
            return
        # Elsewhere than at a terminal it is kept for all who may read the log of a service.
        if not self.stdout.isatty() and any(one.has_usable_password() for one in access.administrators()):
            return
        token = access.make_sign_in_link(administrator)
        self.stdout.write(f"sign in: {base}{reverse('sign_in_link', args=[token])}")

    def _warn_about_hosts(self, host: str) -> None:
        if host in {"0.0.0.0", "::"} and not os.environ.get("HARNESS_ALLOWED_HOSTS"):  # noqa: S104
            self.stderr.write(
                "Other machines are refused until HARNESS_ALLOWED_HOSTS names this one as they call it."
            )


def take_lock(directory: Path) -> IO[str]:
    """The data directory's lock, held until this process and what it becomes have ended."""
    lock = open(directory / "up.lock", "a+")  # noqa: SIM115  (held open on purpose)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        owner = lock.read().strip() or "?"
        raise CommandError(
            f"Another `manage.py up` (process {owner}) serves the data directory {directory}; "
            "stop it first, or set HARNESS_DATA_DIR to another one."
        ) from None
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock


def has_display() -> bool:
    """Whether a browser could open here."""
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))

"""`serve`: the web server on its own."""

from __future__ import annotations

import logging
import resource
import socket
import threading
from argparse import ArgumentParser
from contextlib import suppress
from typing import Any

import uvicorn
from django.conf import settings
from django.core.management.base import CommandError
from django.db import DatabaseError, connections

from harness_site import data, databases, ready
from harness_site.listening import AddressError, listen_on, url_of
from harness_site.patience import Protocol
from runtime.api import probes
from runtime.management import served
from runtime.management.plain import PlainCommand

logger = logging.getLogger(__name__)
OPEN_FILES = 65_536
GRACE_SECONDS = 3  # for requests and open streams after SIGTERM


class Server(uvicorn.Server):
    """Says when it is up; ends the open streams first when it stops."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        ready.announce()
        # Says what is missing, at the start and not only when a probe asks. Beside: a lost database takes a
        # while to be seen.
        threading.Thread(target=_look, daemon=True).start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        from harness_site.asgi import application

        application.end_streams()
        await super().shutdown(sockets)


class Command(PlainCommand):
    """Serves pages, API and live streams until SIGTERM or Ctrl-C."""

    help = "Serve pages, API and live streams (the web process on its own)."
    requires_system_checks: list[str] = ["harness"]  # `up` has run them: its supervisor skips them

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
        parser.add_argument("--port", type=int, default=8000, help="port to listen on (8000)")
        parser.add_argument("--fd", type=int, help="use this listening socket (a file descriptor)")

    def look_at_database(self) -> None:
        """Comes up without a database that can be read, too: `/readyz` says what is the matter."""
        with suppress(DatabaseError):
            super().look_at_database()

    def handle(self, *args: Any, host: str, port: int, fd: int | None, **options: Any) -> None:
        try:
            listener = socket.socket(fileno=fd) if fd is not None else listen_on(host, port)
        except AddressError as error:
            raise CommandError(str(error)) from None
        except OSError:
            raise CommandError(f"The file descriptor {fd} is not a socket.") from None
        for sentence in data.tighten(settings.DATA_DIR):
            self.stderr.write(sentence)
        if not served.remember():
            self.stderr.write(
                "Another web server uses this data directory: commands in other terminals go by its settings."
            )
        databases.use_pool(databases.WEB_CONNECTIONS)
        _allow_files()
        if not ready.supervised():  # `up` says it itself
            logger.info("Serves %s/", url_of(listener))
        config = uvicorn.Config(
            "harness_site.asgi:application",
            loop="uvloop",
            http=Protocol,
            ws="none",
            lifespan="on",
            log_config=None,  # the settings' logging stays as it is
            access_log=False,
            server_header=False,
            proxy_headers=bool(settings.TRUSTED_PROXIES),
            forwarded_allow_ips=settings.TRUSTED_PROXIES,
            timeout_graceful_shutdown=GRACE_SECONDS,  # open streams must not keep it alive
        )
        try:
            Server(config).run(sockets=[listener])
        except KeyboardInterrupt:
            return


def _look() -> None:
    try:
        probes.look()
    finally:
        connections.close_all()


def _allow_files() -> None:
    """More open files, as far as this user may: every live page is one, and the usual limit is 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))

"""`manage.py token NAME`: makes, replaces or revokes the API token of a service account."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from runtime import access
from runtime.management.plain import PlainCommand

MAX_DAYS = 3650


class Command(PlainCommand):
    """Prints the token alone on stdout, once; only its hash is stored."""

    help = "Make or replace a service account's API token and print it, once."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the service account; made when there is none of this name")
        parser.add_argument(
            "--role",
            action="append",
            dest="roles",
            metavar="ROLE",
            help=f"{', '.join(access.ROLES)}; may be given several times "
            "(without: the roles that the account has, a new one is a viewer)",
        )
        parser.add_argument(
            "--expires-days", type=int, metavar="N", help="refuse the token after N days (without: never)"
        )
        parser.add_argument("--revoke", action="store_true", help="refuse the account's token from now on")

    def handle(
        self,
        *args: Any,
        name: str,
        roles: list[str] | None,
        expires_days: int | None,
        revoke: bool,
        **options: Any,
    ) -> None:
        if revoke:
            if not access.revoke_token(name):
                raise CommandError(f"The service account {name!r} has no live token.")
            self.stderr.write(f"The token of {name} is refused from now on.")
            return
        expires_at = None
        if expires_days is not None:
            if not 1 <= expires_days <= MAX_DAYS:
                raise CommandError(f"--expires-days must be from 1 to {MAX_DAYS}.")
            expires_at = timezone.now() + timedelta(days=expires_days)
        try:
            token = access.make_token(name, roles, expires_at=expires_at)
        except access.AccessError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(token)

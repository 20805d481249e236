"""`manage.py sign_in_link`: prints a link that signs one person in, once."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandError

from runtime import access
from runtime.management import first
from runtime.management.plain import PlainCommand


class Command(PlainCommand):
    """Prints the link alone on stdout. It opens a page with one button; only the button uses it up."""

    help = "Print a new one-time sign-in link, good for an hour."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--user",
            metavar="NAME",
            help="whom it signs in (the first administrator, made when there is nobody)",
        )

    def handle(self, *args: Any, user: str | None, **options: Any) -> None:
        person = self._person(user)
        self.stdout.write(access.sign_in_url(access.make_sign_in_link(person)))
        who = person.get_username() + (", an administrator," if person in access.administrators() else "")
        self.stderr.write(f"The link signs {who} in.")

    def _person(self, name: str | None) -> User:
        if name is None:
            found = first.administrator()
            if found is None:
                raise CommandError("There is no active administrator; say whom with --user NAME.")
            return found
        found = User.objects.filter(username=name).first()
        if found is None:
            raise CommandError(f"There is no person named {name!r}.")
        if not found.is_active:
            raise CommandError(f"{name} is disabled and cannot sign in.")
        return found

"""The first administrator: whoever sets an installation up, by `up` or by `sign_in_link`."""

from __future__ import annotations

from django.contrib.auth.models import Group, User
from django.db import transaction

from runtime import access
from runtime.journal.schema import setting_up


def administrator() -> User | None:
    """The first administrator, made when there is nobody at all; None when none of the people is one."""
    with setting_up(), transaction.atomic():
        if not User.objects.exists():
            first = User.objects.create_superuser("admin", password=None)
            first.groups.add(Group.objects.get(name="administrator"))
    return access.first_administrator()

"""What every test may ask for: the cast of people. The data directory is made in `tests/settings.py`."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User

PASSWORD = "correct-horse-battery"


def make_person(name: str, *roles: str) -> User:
    """A person with these roles and the password `PASSWORD`."""
    user = User.objects.create_user(name, f"{name}@example.org", PASSWORD)
    for role in roles:
        # Made by a migration; a test with real transactions empties that table, too.
        user.groups.add(Group.objects.get_or_create(name=role)[0])
    return user


@pytest.fixture
def operator(db: None) -> User:
    """Starts, cancels, deletes."""
    return make_person("olga", "operator")


@pytest.fixture
def reviewer(db: None) -> User:
    """Decides."""
    return make_person("rene", "reviewer")


@pytest.fixture
def viewer(db: None) -> User:
    """Reads."""
    return make_person("vera", "viewer")


@pytest.fixture
def administrator(db: None) -> User:
    """May everything."""
    return make_person("anna", "administrator")


@pytest.fixture
def outsider(db: None) -> User:
    """Signed in, without a role: sees nothing."""
    return make_person("otto")

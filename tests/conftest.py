"""What every test may ask for: the cast of people. The data directory is made in `tests/settings.py`."""

from __future__ import annotations

from pathlib import Path

import pytest
from _pytest.terminal import TerminalReporter
from django.contrib.auth.models import Group, User

from tests import chromium, sandbox

pytest_plugins = ["tests.stores"]

PASSWORD = "correct-horse-battery"

HERE = Path(__file__).parent
#: Folders whose tests start processes and wait for them. They run first: a long one that begins last keeps
#: the whole run waiting.
LONG = ("crash", "benchmarks", "machine", "journeys", "browser", "ground", "management", "persistence")


def make_person(name: str, *roles: str) -> User:
    """A person with these roles and the password `PASSWORD`."""
    user = User.objects.create_user(name, f"{name}@example.org", PASSWORD)
    for role in roles:
        # Made by a migration; a test with real transactions empties that table, too.
        user.groups.add(Group.objects.get_or_create(name=role)[0])
    return user


@pytest.fixture(scope="session")
def shell() -> None:
    """For a test that runs commands: it is left out where no sandbox works, and fails on a build machine."""
    assert not sandbox.why_not()


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


def pytest_configure(config: pytest.Config) -> None:
    """On a build machine nothing is left out."""
    if chromium.is_required() and not chromium.find():
        raise pytest.UsageError(chromium.MISSING)
    if sandbox.is_required() and sandbox.why_not():
        raise pytest.UsageError(f"the shell is off: {sandbox.why_not()}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without a Chromium the browser tests are left out, without a sandbox the shell's; the end says so. Long
    ones come first."""
    items.sort(key=_turn)
    out = {item for item in items if item.get_closest_marker("browser") and not chromium.find()}
    shell = {item for item in items if sandbox.FIXTURE in getattr(item, "fixturenames", ())}
    if shell and sandbox.why_not():
        out |= shell
    if out:
        config.hook.pytest_deselected(items=list(out))
        items[:] = [item for item in items if item not in out]


def _turn(item: pytest.Item) -> int:
    """The place of its folder in the order; the sort keeps what is equal as it is."""
    folder = item.path.relative_to(HERE).parts[0]
    return LONG.index(folder) if folder in LONG else len(LONG)


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Say what did not run, and why."""
    if not chromium.find():
        terminalreporter.write_line(chromium.MISSING)
    if sandbox.why_not():
        terminalreporter.write_line(f"tests of the shell did not run: {sandbox.why_not()}")

"""The doorbell of PostgreSQL: it rings for every NOTIFY, also after its connection was cut."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from runtime.journal import listener
from tests import stores

pytestmark = pytest.mark.postgresql
SECONDS = 20


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database of these tests' own."""
    return stores.database_for(tmp_path_factory.mktemp("listener"))


@pytest.fixture
def heard(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[queue.Queue[str]]:
    """What a listener on the channel `bell.1` heard."""
    monkeypatch.setattr(listener, "AGAIN_SECONDS", 0.05)
    monkeypatch.setattr(listener, "LOOK_SECONDS", 0.05)
    found: queue.Queue[str] = queue.Queue()

    def connect() -> psycopg.Connection[Any]:
        return psycopg.connect(url, autocommit=True, application_name="listener")

    bell = listener.Listener(connect, "bell.1", found.put)
    assert found.get(timeout=SECONDS) == ""
    yield found
    bell.close()


def test_it_hears_what_is_committed_and_nothing_else(url: str, heard: queue.Queue[str]) -> None:
    with psycopg.connect(url) as teller:
        teller.execute("SELECT pg_notify('bell.1', 'taken back')")
        teller.rollback()
        teller.execute("SELECT pg_notify('bell.2', 'for others')")
        teller.execute("SELECT pg_notify('bell.1', 'one')")
        teller.execute("SELECT pg_notify('bell.1', 'two')")
    assert [heard.get(timeout=SECONDS), heard.get(timeout=SECONDS)] == ["one", "two"]
    assert heard.empty()


def test_it_comes_back_when_it_was_cut(url: str, heard: queue.Queue[str]) -> None:
    stores.ask(
        url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'listener'"
    )
    assert heard.get(timeout=SECONDS) == ""
    stores.ask(url, "SELECT pg_notify('bell.1', 'again')")
    while (message := heard.get(timeout=SECONDS)) == "":
        pass
    assert message == "again"

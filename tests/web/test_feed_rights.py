"""Who may go on watching, and how many streams one person may have."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session

from runtime import access, catalogue, journal, viewing
from runtime.events import EventType
from runtime.models import Run, ServiceAccount
from runtime.web import feed, live
from runtime.workspace import load
from tests.web.conftest import signed_in
from tests.web.watching import Client, elsewhere, finish, make, until, watching, write

pytestmark = pytest.mark.django_db(transaction=True)


async def test_it_ends_when_the_right_to_look_is_lost(watcher: str) -> None:
    run = await make()
    async with watching(kind="api", run_id=run.run_id, viewer=watcher) as client:
        await until(lambda: client.ids == [1, 2])
        await elsewhere(User.objects.filter(username="vera").update)(is_active=False)
        await asyncio.sleep(0.5)
        await write(run, "not for vera")
        await asyncio.sleep(0.3)
    assert client.ids == [1, 2]


def sign_out(who: str) -> None:
    Session.objects.get(session_key=who.split(":")[2]).delete()


def reset(_: str) -> None:
    person = User.objects.get(username="vera")
    person.set_password("another-long-word")
    person.save()


@pytest.mark.parametrize("lose", [sign_out, reset])
async def test_it_ends_with_the_session_that_opened_it(watcher: str, lose: Callable[[str], None]) -> None:
    run = await make()
    async with watching(kind="api", run_id=run.run_id, viewer=watcher) as client:
        await until(lambda: client.ids == [1, 2])
        await elsewhere(lose)(watcher)
        await until(lambda: client.ended)
        await write(run, "not for whoever has the old cookie")
    assert client.ids == [1, 2]


async def test_it_ends_when_the_token_is_replaced(watcher: str) -> None:
    await elsewhere(access.make_token)("bot")
    account = await elsewhere(ServiceAccount.objects.get)(name="bot")
    run = await make()
    old = f"service:{account.pk}:{account.token_hash[: viewing.PROOF]}"
    async with watching(kind="api", run_id=run.run_id, viewer=old) as client:
        await until(lambda: client.ids == [1, 2])
        await elsewhere(access.make_token)("bot")
        await until(lambda: client.ended)


def say_much(run: Run) -> None:
    with journal.entry(run.run_id) as entry:
        for _ in range(5 * feed.BACKLOG_ROWS):
            entry.note(EventType.OUTPUT_DELTA, text="x", call=1)
    finish(run)


@pytest.mark.parametrize("kind", ["api", "run"])
async def test_it_ends_amid_a_long_past(watcher: str, kind: str) -> None:
    run = await make()
    await elsewhere(say_much)(run)
    async with watching(kind=kind, run_id=run.run_id, viewer=watcher) as client:
        client.stops_at = b"id: 1\n"
        await until(lambda: bool(client.ids))
        await elsewhere(sign_out)(watcher)
        await asyncio.sleep(0.5)
        client.reads.set()
        await until(lambda: client.ended)
    assert client.ids == list(range(1, feed.BACKLOG_ROWS + 1))
    assert b"event: end" not in client.body  # there is more of the run


async def test_it_goes_on_in_another_browser(watcher: str, viewer: User) -> None:
    other = await elsewhere(signed_in)(viewer)
    run = await make()
    async with (
        watching(kind="api", run_id=run.run_id, viewer=watcher) as first,
        watching(kind="api", run_id=run.run_id, viewer=other) as second,
    ):
        await until(lambda: second.ids == [1, 2])
        await elsewhere(sign_out)(watcher)
        await until(lambda: first.ended)
        await write(run, "still signed in there")
        await until(lambda: second.ids == [1, 2, 3])


async def test_it_asks_for_the_rights_of_all_at_once(watcher: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    ask = viewing.may_still_view

    def count(viewers: Iterable[str]) -> set[str]:
        asked.append(sorted(viewers))
        return ask(asked[-1])

    monkeypatch.setattr(viewing, "may_still_view", count)
    await elsewhere(access.make_token)("bot")
    account = await elsewhere(ServiceAccount.objects.get)(name="bot")
    run = await make()
    names = [watcher, watcher, f"service:{account.pk}:{account.token_hash[: viewing.PROOF]}"]
    async with (
        watching(kind="api", run_id=run.run_id, viewer=names[0]) as first,
        watching(kind="api", run_id=run.run_id, viewer=names[1]),
        watching(kind="api", run_id=run.run_id, viewer=names[2]) as other,
    ):
        await until(lambda: len(asked) == 2)
        await elsewhere(access.revoke_token)("bot")
        await until(lambda: other.ended)
        await write(run, "not for the program")
        await until(lambda: first.ids == [1, 2, 3])
    assert other.ids == [1, 2]
    assert all(each == sorted(set(names)) for each in asked[:2])


async def test_it_sends_nobody_away_while_rights_cannot_be_read(
    watcher: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[Iterable[str]] = []

    def fail(viewers: Iterable[str]) -> set[str]:
        tried.append(viewers)
        raise OSError("the disk is away")

    monkeypatch.setattr(viewing, "may_still_view", fail)
    run = await make()
    async with watching(kind="api", run_id=run.run_id, viewer=watcher) as client:
        await until(lambda: len(tried) == 2)
        await write(run, "still there")
        await until(lambda: client.ids == [1, 2, 3])


async def opened(run: Run, viewer: str, many: int) -> list[Client]:
    """So many streams of one viewer, opened one after the other, when all were answered."""
    async with AsyncExitStack() as streams:
        watch = partial(watching, kind="api", run_id=run.run_id, viewer=viewer)
        clients = [await streams.enter_async_context(watch()) for _ in range(many)]
        await until(lambda: all(client.body for client in clients))
    return clients


@pytest.fixture
def few(tmp_path: Path, settings: Any) -> Iterator[None]:
    """A workspace with few streams."""
    limits = "{streams_per_person: 1, streams_per_service_account: 2}"
    (tmp_path / "workspace.yaml").write_text(
        "apiVersion: agent-harness/v1alpha1\nkind: Workspace\nmetadata: {name: few}\n"
        f"spec: {{limits: {limits}}}\n"
    )
    settings.WORKSPACE_DIR = tmp_path
    catalogue.forget()
    yield
    settings.WORKSPACE_DIR = None
    catalogue.forget()


@pytest.mark.usefixtures("few")
async def test_it_refuses_more_streams_than_the_workspace_allows(watcher: str) -> None:
    await elsewhere(access.make_token)("bot")
    account = await elsewhere(ServiceAccount.objects.get)(name="bot")
    bot = f"service:{account.pk}:{account.token_hash[: viewing.PROOF]}"
    run = await make()
    pages, programs = await opened(run, watcher, 2), await opened(run, bot, 3)
    assert [client.status for client in pages] == [200, 429]
    assert [client.status for client in programs] == [200, 200, 429]
    assert b"live pages" in pages[-1].body
    assert b"spec.limits.streams_per_service_account" in programs[-1].body
    assert live.open_streams() == 0


def test_it_goes_by_the_defaults_while_the_workspace_cannot_be_read() -> None:
    limits = load(None, {}).limits
    usual = {"person": limits.streams_per_person, "service": limits.streams_per_service_account}
    assert usual == live.USUAL_STREAMS

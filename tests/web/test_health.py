"""`/health/` and the board's line."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client

from runtime import journal
from runtime.events import EventType
from runtime.journal import workers
from runtime.models import MaintenancePass, Worker
from runtime.upkeep import health
from runtime.upkeep.health import BY_NAME


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Nothing is remembered from an earlier test."""
    health.forget()
    yield
    health.forget()


def page(client: Client, user: User, path: str = "/health/") -> str:
    client.force_login(user)
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_it_shows_every_check_with_word_and_reason(client: Client, viewer: User) -> None:
    text = page(client, viewer)
    for check in BY_NAME.values():
        assert check.title in text
    assert "No worker has run yet." in text
    assert "No worker yet" in text
    assert "No model call failed" in text


def test_everybody_who_reads_sees_it(
    client: Client, viewer: User, operator: User, reviewer: User, administrator: User
) -> None:
    for user in (viewer, operator, reviewer, administrator):
        assert 'href="/health/" aria-current="page"' in page(client, user)


def test_an_outsider_does_not(client: Client, outsider: User) -> None:
    client.force_login(outsider)
    for path in ("/health/", "/health/report/"):
        assert client.get(path).status_code == 404


def test_it_rejects_post(client: Client, viewer: User) -> None:
    client.force_login(viewer)
    for path in ("/health/", "/health/report/"):
        assert client.post(path).status_code == 405


def test_the_fragment_is_the_page_without_its_frame(client: Client, viewer: User) -> None:
    text = page(client, viewer, "/health/report/")
    assert 'id="check-database"' in text
    assert "<html" not in text


def test_it_shows_a_few_of_the_workers_that_are_gone(db: None) -> None:
    now = datetime.now(UTC)
    for number in range(9):
        seen = now - timedelta(minutes=number)
        Worker.objects.create(
            worker_id=f"gone{number}",
            host="h",
            pid=1,
            version="1",
            slots=1,
            heartbeat_at=seen,
            stopped_at=seen,
        )
    Worker.objects.create(
        worker_id="silent", host="h", pid=1, version="1", slots=1, heartbeat_at=now - timedelta(hours=2)
    )
    present = workers.enter(slots=2, version="1.2.3")
    shown = [worker.pk for worker in Worker.objects.for_health(now)]
    assert shown == [present, *(f"gone{number}" for number in range(5))]


def test_it_says_how_the_workers_are(client: Client, viewer: User) -> None:
    for host in ("here", "gone", "left", "dead"):
        worker = workers.enter(slots=2, version="1.2.3")
        Worker.objects.filter(pk=worker).update(worker_id=host)
    now = datetime.now(UTC)
    Worker.objects.filter(pk="gone").update(heartbeat_at=now - timedelta(minutes=2))
    Worker.objects.filter(pk="dead").update(pid=1)
    workers.leave("left")
    workers.bury([1])
    text = page(client, viewer)
    for host, state in (("here", "present"), ("gone", "silent"), ("left", "stopped"), ("dead", "lost")):
        assert f'is-{state}" id="w-{host}"' in text
    assert "version 1.2.3" in text


def test_a_dry_run_is_no_maintenance(client: Client, viewer: User) -> None:
    MaintenancePass.objects.create(kind="records", dry_run=True, finished_at=datetime.now(UTC))
    assert "<dt>Maintenance of records</dt><dd>not yet</dd>" in page(client, viewer)


def test_what_a_provider_said_is_shown_as_text(client: Client, viewer: User) -> None:
    run = journal.create_run(
        journal.NewRun(input="x", agent_id="direct", execution_mode="one_step", resolved={})
    )
    said = "<script>alert(1)</script>\u202e"
    with journal.entry(run.run_id) as entry:
        entry.note(EventType.MODEL_FAILED, call=1, model=said, error=said, fault="rate_limited")
    health.Sampler().sample(datetime.now(UTC) + timedelta(seconds=3))
    text = page(client, viewer)
    assert "&lt;script&gt;alert(1)" in text
    assert "<script>alert" not in text
    assert "rate_limited" in text


def test_the_board_says_it_in_a_line(client: Client, viewer: User) -> None:
    seen = datetime.now(UTC) - timedelta(minutes=5)
    Worker.objects.create(worker_id="w1", host="h", pid=1, version="1", slots=1, heartbeat_at=seen)
    text = page(client, viewer, "/")
    assert 'class="state is-unhealthy"' in text
    assert "No worker runs; the last one was heard of 5 min ago." in text

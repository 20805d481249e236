"""Maintenance: the count is said first, then a worker does it. Holds on the thread's page."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from runtime.models import MaintenancePass, MaintenanceTurn, Thread, Tombstone
from runtime.upkeep import maintenance
from tests.upkeep.conftest import ended
from tests.web.conftest import Advance, Page, start, text_of

pytestmark = pytest.mark.django_db


def test_it_says_first_what_goes_and_why_the_rest_stays(administrator: User) -> None:
    old, young = ended(40), ended(1)
    html = text_of(Page(administrator).get("/maintenance/"))
    assert "This removes for good: 1 thread, 1 run," in html
    assert "1 thread: not old enough" in html
    assert "No pass yet" in html
    assert Thread.objects.count() == 2
    assert {old.pk, young.pk}


def test_it_lets_a_worker_make_the_pass_and_shows_it(administrator: User) -> None:
    ended(40)
    browser = Page(administrator)
    answer = browser.send("/maintenance/", "/maintenance/records/")
    assert answer.headers["Location"] == "/maintenance/"
    assert MaintenanceTurn.objects.get(pk="records").wanted_by == "anna"
    assert Thread.objects.exists(), "the page only asks for it"
    maintenance.maintain(lambda: False)
    html = text_of(browser.get("/maintenance/"))
    assert "1 thread, 1 run," in html
    assert "anna" in html
    assert not Thread.objects.exists()


def test_it_lets_everybody_read_and_administrators_act(viewer: User, administrator: User) -> None:
    ended(40)
    MaintenancePass.objects.create(kind="records")
    html = text_of(Page(viewer).get("/maintenance/"))
    assert "Would be removed now" in html
    assert "Removed so far: nothing" in html
    assert "Run it now" not in html
    assert "/admin/" not in html
    assert "Run it now" in text_of(Page(administrator).get("/maintenance/"))


def test_it_knows_no_other_maintenance(administrator: User) -> None:
    browser = Page(administrator)
    browser.client.handler.enforce_csrf_checks = False
    assert browser.post("/maintenance/everything/").status_code == 404


def test_it_says_what_the_deletion_of_a_thread_removes(operator: User, advance: Advance) -> None:
    run = advance(start("what is 2 + 2?"))
    html = text_of(Page(operator).get(f"/threads/{run.thread_id}/remove/"))
    events = run.last_sequence
    assert f"This removes for good: 1 run, 2 messages, {events} events" in html


def test_it_holds_a_thread_until_the_hold_is_lifted(
    administrator: User, operator: User, advance: Advance
) -> None:
    path = f"/threads/{advance(start('what is 2 + 2?')).thread_id}/"
    browser, other = Page(administrator), Page(operator)
    question = f"{path}remove/"
    assert "Hold this thread" not in text_of(other.get(path))
    browser.send(path, f"{path}hold/", reason="a <lawsuit>")
    assert '<span class="tag">held</span>' in text_of(other.get("/threads/"))
    html = text_of(other.get(path))
    assert "a &lt;lawsuit&gt;" in html
    assert question not in html
    assert "Delete the thread" not in text_of(other.get(question))
    other.client.handler.enforce_csrf_checks = False
    other.post(f"{path}delete/")
    assert "The thread is not deleted: anna holds it since" in text_of(other.get(path))
    browser.send(path, f"{path}lift/")
    other.send(question, f"{path}delete/")
    assert Tombstone.objects.exists()


def test_it_needs_a_reason_to_hold(administrator: User, advance: Advance) -> None:
    path = f"/threads/{advance(start('what is 2 + 2?')).thread_id}/"
    browser = Page(administrator)
    browser.send(path, f"{path}hold/", reason="  ")
    assert "reason must not be empty" in text_of(browser.get(path))
    assert Thread.objects.get().hold is None

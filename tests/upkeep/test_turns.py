"""Whose turn it is to make a maintenance pass, and when."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from runtime.journal import maintenance as turns
from runtime.models import (
    MaintenancePass,
    MaintenanceTurn,
    Thread,
)
from runtime.upkeep import maintenance
from tests.upkeep.conftest import ended, make

pytestmark = pytest.mark.django_db


def test_it_makes_no_pass_before_its_time_and_none_right_after_the_installation() -> None:
    ended(40)
    assert maintenance.run_pass("records") is None
    turn = MaintenanceTurn.objects.get(pk="records")
    assert turn.next_at > datetime.now(UTC) + timedelta(hours=23)
    MaintenanceTurn.objects.update(next_at=datetime.now(UTC))
    assert maintenance.run_pass("records") is not None
    assert maintenance.run_pass("records") is None
    assert MaintenancePass.objects.count() == 1


def test_it_comes_when_a_person_wants_it() -> None:
    ended(40)
    maintenance.run_pass("records")
    turns.want_turn("records", wanted_by="anna")
    current = maintenance.run_pass("records")
    assert current is not None
    assert current.requested_by == "anna"
    assert maintenance.run_pass("records") is None


def test_who_wants_one_while_one_is_under_way_gets_his_own() -> None:
    turns.next_turn("records", timedelta(days=1))
    running = turns.take_turn("records", made_by="a-1", lease=timedelta(minutes=2), requested_by="olga")
    assert running is not None
    turns.want_turn("records", wanted_by="anna")
    assert maintenance.run_pass("records") is None, "one is under way"
    later = datetime.now(UTC) + timedelta(days=1)
    turns.end_turn(running, done={}, kept={}, next_at=later)
    wanted = maintenance.run_pass("records")
    assert wanted is not None
    assert wanted.requested_by == "anna"
    assert maintenance.run_pass("records") is None


def test_it_stops_when_its_worker_has_to_end_and_the_next_goes_on() -> None:
    runs = [ended(40) for _ in range(3)]
    looks = iter([False, False, True])
    current = maintenance.run_pass("records", requested_by="anna", stopping=lambda: next(looks))
    assert current is not None
    assert current.error == maintenance.STOPPED
    assert 0 < Thread.objects.count() <= len(runs)
    assert maintenance.run_pass("records") is not None, "it is due again at once"
    assert not Thread.objects.exists()


def test_a_wanted_one_that_was_cut_off_is_wanted_still() -> None:
    ended(40)
    maintenance.run_pass("records")
    turns.want_turn("records", wanted_by="anna")
    stopped = maintenance.run_pass("records", stopping=lambda: True)
    assert stopped is not None
    assert (stopped.error, stopped.requested_by) == (maintenance.STOPPED, "anna")
    assert MaintenanceTurn.objects.get(pk="records").wanted_by == "anna", "though none should come by itself"
    lost = turns.take_turn("records", made_by="a-1", lease=timedelta(0))
    assert lost is not None
    assert MaintenanceTurn.objects.get(pk="records").wanted_by == "anna"
    rest = maintenance.run_pass("records")
    assert rest is not None
    assert (rest.error, rest.requested_by) == ("", "anna")
    assert MaintenanceTurn.objects.get(pk="records").wanted_by == ""
    assert maintenance.run_pass("records") is None


def test_it_takes_over_from_a_process_that_was_lost() -> None:
    turns.next_turn("records", timedelta(days=1))
    lost = turns.take_turn("records", made_by="a-1", lease=timedelta(minutes=2), requested_by="anna")
    assert lost is not None
    assert maintenance.run_pass("records", requested_by="olga") is None, "it may be alive"
    MaintenanceTurn.objects.update(lease_until=datetime.now(UTC) - timedelta(seconds=1))
    make("records")
    lost.refresh_from_db()
    assert lost.error == turns.CUT_OFF
    with pytest.raises(turns.TurnLost):
        turns.keep_turn(lost, timedelta(minutes=2), {})


@pytest.mark.django_db(transaction=True)
def test_it_is_made_once_when_many_workers_come_at_the_same_time() -> None:
    ended(40)
    turns.next_turn("records", timedelta(days=1))
    MaintenanceTurn.objects.update(next_at=datetime.now(UTC))
    begin = threading.Barrier(6)
    made: list[MaintenancePass | None] = []

    def come() -> None:
        begin.wait()
        try:
            made.append(maintenance.run_pass("records"))
        finally:
            connection.close()

    workers = [threading.Thread(target=come) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len([current for current in made if current]) == 1
    assert MaintenancePass.objects.count() == 1
    assert not Thread.objects.exists()

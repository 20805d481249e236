"""Maintenance and holds by API."""

from __future__ import annotations

import pytest

from runtime.models import MaintenancePass, MaintenanceTurn, Run, Thread
from tests.api.conftest import Caller, caller_with, json_of
from tests.upkeep.conftest import ended

pytestmark = pytest.mark.django_db


@pytest.fixture
def administering() -> Caller:
    """An administrator's program."""
    return caller_with("administrator")


def test_it_says_what_would_go_and_what_went(administering: Caller) -> None:
    ended(40)
    report = json_of(administering.get("/maintenance"))
    checkpoints, records = report["items"]
    assert (checkpoints["kind"], records["kind"]) == ("checkpoints", "records")
    assert (records["found"]["threads"], records["enabled"], records["under_way"]) == (1, True, False)
    assert report["passes"] == []
    dry = json_of(administering.post("/maintenance/records", {"dry_run": True}))
    assert (dry["dry_run"], dry["done"]["threads"], dry["requested_by"]) == (True, 1, "bot-administrator")
    assert json_of(administering.get("/maintenance"))["passes"] == [dry]
    assert Thread.objects.exists()


def test_it_makes_a_pass_due(administering: Caller) -> None:
    assert "records" in json_of(administering.post("/maintenance/records", {}), 202)["detail"]
    assert MaintenanceTurn.objects.get(pk="records").wanted_by == "bot-administrator"
    assert administering.post("/maintenance/everything", {}).status_code == 404
    assert administering.post("/maintenance/records", {"dry": True}).status_code == 422
    assert not MaintenancePass.objects.exists()


def test_acting_is_for_administrators(operating: Caller, reading: Caller, nobody: Caller, done: Run) -> None:
    assert reading.get("/maintenance").status_code == 200  # a viewer reads everything
    assert nobody.get("/maintenance").status_code == 401
    for caller, status in ((operating, 403), (reading, 403), (nobody, 401)):
        assert caller.post("/maintenance/records", {}).status_code == status
        assert caller.post(f"/threads/{done.thread_id}/hold", {"reason": "x"}).status_code == status
        assert caller.delete(f"/threads/{done.thread_id}/hold").status_code == status
    assert Thread.objects.get().hold is None


def test_it_holds_a_thread(administering: Caller, operating: Caller, done: Run) -> None:
    path = f"/threads/{done.thread_id}"
    held = json_of(administering.post(f"{path}/hold", {"reason": "a lawsuit"}))["hold"]
    assert (held["reason"], held["held_by"]) == ("a lawsuit", "bot-administrator")
    assert json_of(operating.get("/threads"))["items"][0]["hold"] == held
    refused = json_of(operating.delete(path), 409)
    assert refused["state"] == "held"
    assert "a lawsuit" in refused["detail"]
    assert administering.post(f"{path}/hold", {"reason": "x"}).status_code == 409
    assert administering.delete(f"{path}/hold").status_code == 204
    assert administering.delete(f"{path}/hold").status_code == 409
    assert operating.delete(path).status_code == 204
    assert administering.post(f"{path}/hold", {"reason": "x"}).status_code == 404
    assert administering.delete(f"{path}/hold").status_code == 404

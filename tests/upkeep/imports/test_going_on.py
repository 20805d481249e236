"""Deciding what was asked elsewhere: recorded, and the work goes on as a new run in the same thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client

from runtime import actions
from runtime.access import Actor
from runtime.engine import loop
from runtime.engine.lease import Keeper
from runtime.events import iso
from runtime.models import Approval, DecisionRecord, Event, Run, ThreadMessage
from runtime.models.counters import counts, wrong_counters
from runtime.upkeep.health.counting import brought_up
from runtime.upkeep.imports import import_reference
from runtime.upkeep.verify import verify
from tests.upkeep.imports.reference import Reference, full
from tests.web.conftest import Page, text_of

pytestmark = pytest.mark.django_db

RENE = Actor("person", "rene", frozenset({"reviewer", "operator"}), source="page", address="192.0.2.7")


@pytest.fixture
def reference(tmp_path: Path) -> Reference:
    made = full(tmp_path)
    import_reference(made.path)
    return made


@pytest.fixture
def advance() -> Iterator[Callable[[Run], Run]]:
    """Takes a run as far as it goes."""
    keeper = Keeper("test-worker", 30.0)

    def take(run: Run) -> Run:
        assert loop.advance(run.run_id, keeper, slots=10)
        run.refresh_from_db()
        return run

    yield take
    keeper.stop()


def decide(approval_id: str, decision: str, **said: object) -> Run:
    """Decides; gives the imported run as it is then."""
    approval = Approval.objects.get(pk=approval_id)
    actions.decide_approval(RENE, approval_id, decision, approval.digest, **said)  # type: ignore[arg-type]
    return Run.objects.get(pk=approval.run_id)


def test_it_records_the_decision_and_starts_a_run_that_knows_it(reference: Reference) -> None:
    run = decide("a2", "reject", reason="Not on a Friday.")
    record = DecisionRecord.objects.get()
    assert (record.approval_id, record.decision, record.decided_by) == ("a2", "reject", "rene")
    assert (record.source, record.address, record.reason) == ("page", "192.0.2.7", "Not on a Friday.")
    new = Run.objects.get(imported_at__isnull=True)
    assert (new.thread_id, new.state, new.agent_id, new.retried_from_id) == ("t2", "queued", "direct", "r3")
    assert (run.state, run.continued_by) == ("cancelled", new)
    assert new.run_id in str(run.error)
    assert (run.thread.latest_run_id, run.thread.status) == (new.run_id, "queued")
    assert set(run.tool_calls.values_list("state", flat=True)) == {"cancelled"}, "it runs nothing itself"
    asked = ThreadMessage.objects.get(run=new).text
    assert asked.startswith("do r3\n\n")
    assert "Not on a Friday." in asked
    assert verify().differences == []


def test_what_was_brought_is_counted(reference: Reference) -> None:
    waiting = Approval.objects.pending().count()
    assert counts()["approvals_pending"] == waiting > 0
    decide("a2", "reject")
    assert counts()["approvals_pending"] == waiting - 1
    assert wrong_counters() == {}


def test_it_tells_the_agent_the_edited_arguments(reference: Reference) -> None:
    decide("a2", "edit", arguments={"path": "other.txt", "content": "bye"})
    asked = ThreadMessage.objects.get(run__imported_at__isnull=True).text
    assert '"path":"other.txt"' in asked
    assert Approval.objects.get(pk="a2").status == "edited"
    assert verify().differences == []


def test_it_waits_until_all_are_decided(tmp_path: Path) -> None:
    made = full(tmp_path)
    made.approval("a3", "t2", "r3", tool_name="delete_file")
    import_reference(made.path)
    assert decide("a2", "approve").state == "waiting_for_approval"
    assert not Run.objects.filter(imported_at__isnull=True).exists()
    assert decide("a3", "reject", reason="no").state == "cancelled"
    asked = ThreadMessage.objects.get(run__imported_at__isnull=True).text
    assert "write_file" in asked
    assert "delete_file" in asked


def test_it_is_decided_once(reference: Reference) -> None:
    decide("a2", "approve")
    with pytest.raises(actions.Conflict, match="rene decided approve"):
        decide("a2", "reject", reason="no")
    assert Run.objects.filter(imported_at__isnull=True).count() == 1


def test_it_asks_the_default_agent_when_its_own_is_not_here(tmp_path: Path) -> None:
    made = full(tmp_path)
    made.do("UPDATE runs SET agent_id = 'gone'")
    made.do("DELETE FROM run_requests")
    import_reference(made.path)
    decide("a2", "approve")
    assert Run.objects.get(imported_at__isnull=True).agent_id == "orchestra"


def test_it_is_carried_on_by_the_engine(
    transactional_db: None, tmp_path: Path, advance: Callable[[Run], Run]
) -> None:
    made = full(tmp_path)
    import_reference(made.path)
    decide("a2", "approve")
    new = advance(Run.objects.get(imported_at__isnull=True))
    assert new.state in ("completed", "waiting_for_approval")
    assert verify().differences == []


def test_the_next_import_leaves_it_alone(reference: Reference) -> None:
    decide("a2", "approve")
    before = list(Run.objects.order_by("pk").values())
    reference.message("t2", "r3", "assistant", "more")
    reference.run("r4", "t2", minute=20)
    report = import_reference(reference.path)
    assert list(Run.objects.order_by("pk").values()) == before
    assert {(table, why) for table, why in report.skipped} == {
        ("runs", "it is newer here"),
        ("runs", "its thread has gone on here"),
    }
    assert not +report.imported


def test_it_is_cancelled_and_deleted_like_any_run(reference: Reference) -> None:
    assert actions.cancel_run(RENE, "r3").state == "cancelled"
    assert Approval.objects.get(pk="a2").status == "cancelled"
    assert actions.retry_run(RENE, "r3").retried_from_id == "r3"
    actions.delete_thread(RENE, "t1")
    assert not Event.objects.filter(thread_id="t1").exists()
    report = import_reference(reference.path)
    assert ("threads", "its thread was deleted here") in report.skipped


def test_pages_show_its_history_and_say_how_it_goes_on(reference: Reference, reviewer: User) -> None:
    browser = Page(reviewer)
    page = text_of(browser.get("/runs/r3/"))
    assert "another engine" in page
    assert "do r3" in page
    assert "I want to write." in page
    card = text_of(browser.get("/approvals/a2/"))
    assert "the work goes on as a new run" in card
    assert "exactly this runs" not in card
    assert browser.send("/approvals/a2/", "/approvals/a2/decide/", decision="approve").status_code == 302
    after = text_of(browser.get("/runs/r3/"))
    assert "It goes on as a new run." in after
    for path in ("/runs/", "/threads/t1/", "/threads/t2/", "/runs/r1/", "/runs/r1/events/", "/approvals/"):
        assert browser.get(path).status_code == 200, path


def test_it_waits_here_since_it_was_brought_along(reference: Reference) -> None:
    run = Run.objects.get(pk="r3")
    assert run.imported_at is not None
    assert run.created_at < run.imported_at
    assert Approval.objects.pending_since() == run.imported_at
    assert Run.objects.all().oldest_waiting_since() == run.imported_at
    assert [asked.requested_at for asked in Run.objects.facts([run])["r3"].pending] == [run.imported_at]


def test_lists_count_from_that_day_too(reference: Reference, reviewer: User) -> None:
    run = Run.objects.get(pk="r3")
    assert run.imported_at is not None
    for path, item in (("/", "w-a2"), ("/approvals/", "a-a2")):
        row = text_of(Page(reviewer).get(path)).partition(f'id="{item}"')[2].partition("</li>")[0]
        assert f'<time datetime="{iso(run.imported_at)}" data-form="age"' in row, path


def test_the_oldest_that_waits_may_be_one_of_its_own(
    reference: Reference, advance: Callable[[Run], Run]
) -> None:
    brought = Run.objects.get(pk="r3").imported_at
    assert brought is not None
    own = advance(actions.start_run(RENE, "write hello to hello.txt"))
    earlier = brought - timedelta(days=1)
    Approval.objects.filter(run=own).update(requested_at=earlier)
    assert Approval.objects.pending_since() == earlier
    Approval.objects.filter(run=own).update(requested_at=brought + timedelta(days=1))
    assert Approval.objects.pending_since() == brought


def test_a_decision_took_as_long_as_it_waited_here(reference: Reference) -> None:
    decide("a2", "approve")
    found = brought_up({}, datetime.now(UTC) + timedelta(seconds=10), 900.0)
    assert found["decisions"]["approve"]["count"] == 1
    assert found["decisions"]["approve"]["sum"] < timedelta(days=1).total_seconds()


def test_the_api_says_so_too(reference: Reference, reviewer: User, client: Client) -> None:
    client.force_login(reviewer)
    run = client.get("/api/v1/runs/r3").json()
    assert run["imported_at"]
    assert "new run in this thread" in run["note"]
    approval = client.get("/api/v1/approvals/a2").json()
    assert approval["note"] == run["note"]
    assert approval["expires_at"] is None
    assert client.get("/api/v1/runs/r1").json()["note"] is None
    events = client.get("/api/v1/runs/r1/events").json()["items"]
    assert [event["threadId"] for event in events] == ["t1"] * 3
    [artifact] = client.get("/api/v1/runs/r1/artifacts").json()["items"]
    content = client.get(f"/api/v1/artifacts/{artifact['artifact_id']}")
    assert b"".join(content.streaming_content) == b'{"ok": true}'  # type: ignore[attr-defined]

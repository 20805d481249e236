"""What operators do on the pages of runs and threads beside starting and cancelling."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User

from runtime import access, actions, journal
from runtime.models import Approval, DecisionRecord, Run, Thread
from tests.web.conftest import Advance, Ask, Page, start, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def in_doubt(ask: Ask, reviewer: User) -> Run:
    """A run whose approved call started, then its worker was lost."""
    approval = ask()
    actions.decide_approval(access.person(reviewer, "page", ""), approval.pk, "approve", approval.digest)
    lease = journal.claim(approval.run_id, "w1", slots=5, lease_seconds=30)
    assert lease
    with journal.entry(approval.run_id, lease) as entry:
        journal.start(entry, journal.call_of(entry.run.run_id, approval.tool_call_id), worker="w1")
    with journal.entry(approval.run_id, lease) as entry:
        journal.doubt(entry, approval.tool_call_id)
    return Run.objects.get(pk=approval.run_id)


def test_it_asks_what_happened_and_does_not_run_it_again(
    operator: User, in_doubt: Run, advance: Advance
) -> None:
    path = f"/runs/{in_doubt.pk}/"
    browser = Page(operator)
    html = text_of(browser.get(path))
    assert "nobody knows whether it happened" in html
    assert "decide/" not in html
    answer = browser.send(path, f"{path}resolve/", outcome="happened", result="The file is there.")
    assert answer.headers["Location"] == path
    assert advance(in_doubt).state == "completed"
    assert not (in_doubt.thread.folder / "files" / "notes.txt").exists()
    assert "The file is there." in text_of(browser.get(path))


def test_it_asks_again_when_it_did_not_happen(operator: User, reviewer: User, in_doubt: Run) -> None:
    path = f"/runs/{in_doubt.pk}/"
    Page(operator).send(
        path, f"{path}resolve/", outcome="did_not_happen", result="typed, then thought better of"
    )
    in_doubt.refresh_from_db()
    assert in_doubt.state == "waiting_for_approval"
    newest = Approval.objects.pending().get()
    html = text_of(Page(reviewer).get(path))
    assert f"/approvals/{newest.pk}/decide/" in html
    answer = Page(reviewer).send(path, f"/approvals/{newest.pk}/decide/", decision="approve")
    assert answer.status_code == 302
    assert DecisionRecord.objects.filter(approval_id=newest.pk, decision="approve").exists()


@pytest.mark.parametrize("outcome", ["", "perhaps", "happened"])
def test_it_says_why_nothing_was_noted(operator: User, ask: Ask, outcome: str) -> None:
    run = ask().run
    browser = Page(operator)
    browser.get("/")
    token = browser.client.cookies["csrftoken"].value
    browser.post(f"/runs/{run.pk}/resolve/", {"csrfmiddlewaretoken": token, "outcome": outcome})
    html = text_of(browser.get(f"/runs/{run.pk}/"))
    assert "nothing of it is in doubt" in html or "outcome must be" in html


def test_it_runs_a_request_again(operator: User, advance: Advance) -> None:
    run = advance(start("what is 2 + 2?"))
    browser = Page(operator)
    answer = browser.send(f"/runs/{run.pk}/", f"/runs/{run.pk}/retry/")
    again = Run.objects.get(retried_from=run)
    assert answer.headers["Location"] == f"/runs/{again.pk}/"
    assert again.requested_by == "olga"
    assert "an earlier run" in text_of(browser.get(f"/runs/{again.pk}/"))


def test_it_says_why_nothing_starts_while_the_workspace_is_broken(
    operator: User, advance: Advance, in_doubt: Run, break_workspace: Callable[[], None]
) -> None:
    run = advance(start("what is 2 + 2?"))
    browser = Page(operator)
    break_workspace()
    for path, action, typed in (
        (f"/runs/{run.pk}/", f"/runs/{run.pk}/retry/", {}),
        (f"/runs/retry/?id={run.pk}", "/runs/retry/now/", {}),
        (f"/runs/{in_doubt.pk}/", f"/runs/{in_doubt.pk}/resolve/", {"outcome": "did_not_happen"}),
    ):
        answer = browser.send(path, action, **typed)
        assert answer.status_code == 302
        html = text_of(browser.get(answer.headers["Location"]))
        assert "The workspace cannot be loaded: workspace.yaml" in html
    assert Run.objects.count() == 2


def test_it_does_not_run_again_what_has_not_ended(operator: User, ask: Ask) -> None:
    run = ask().run
    browser = Page(operator)
    browser.get("/")
    token = browser.client.cookies["csrftoken"].value
    browser.post(f"/runs/{run.pk}/retry/", {"csrfmiddlewaretoken": token})
    assert "cancel it before you retry it" in text_of(browser.get(f"/runs/{run.pk}/"))
    assert Run.objects.count() == 1


def test_it_deletes_a_thread_and_says_what_goes(operator: User, ask: Ask) -> None:
    thread = ask().thread
    browser = Page(operator)
    path = f"/threads/{thread.pk}/"
    assert f'href="{path}remove/"' in text_of(browser.get(path))
    assert "This removes for good: 1 run" in text_of(browser.get(f"{path}remove/"))
    assert browser.send(f"{path}remove/", f"{path}delete/").headers["Location"] == "/threads/"
    assert not Thread.objects.exists()
    assert "The thread is deleted." in text_of(browser.get("/threads/"))
    assert browser.get(path).status_code == 404


def test_it_does_not_delete_a_thread_at_work(operator: User) -> None:
    run = start("later")
    browser = Page(operator)
    path = f"/threads/{run.thread_id}/"
    assert browser.send(f"{path}remove/", f"{path}delete/").headers["Location"] == f"{path}#end"
    assert "cancel it or wait" in text_of(browser.get(path))
    assert Thread.objects.exists()

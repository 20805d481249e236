"""Who may open which address with which method: every page, in one table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import get_resolver

from runtime.models import Approval, Run, ToolCall
from runtime.web import urls
from tests.web.conftest import Ask, Page

pytestmark = pytest.mark.django_db

OPEN = {"sign_in", "sign_in_link", "sign_out", "theme"}
ACTS = {
    "start_run": "operator",
    "run_cancel": "operator",
    "run_retry": "operator",
    "run_resolve": "operator",
    "runs_cancel_now": "operator",
    "runs_retry_now": "operator",
    "thread_send": "operator",
    "thread_delete": "operator",
    "decide": "reviewer",
    "approval_reveal": "operator or reviewer",
    "run_call_reveal": "operator or reviewer",
    "thread_hold": "administrator",
    "thread_lift": "administrator",
    "maintenance_run": "administrator",
}


def addresses(approval: Approval | None) -> Iterator[tuple[str, str]]:
    """Every page's name and an address of it."""
    call = ToolCall.objects.filter(run_id=approval.run_id).first() if approval else None
    known = {
        "run_id": approval.run_id if approval else "none",
        "thread_id": approval.thread_id if approval else "none",
        "approval_id": approval.approval_id if approval else "none",
        "call_id": call.pk if call else "none",
        "artifact_id": "none",
        "message_id": str(call.message_id) if call else "none",
        "token": "none",
        "kind": "records",
    }
    resolver = get_resolver("runtime.web.urls")
    for pattern in urls.urlpatterns:
        assert pattern.name is not None
        wanted = {name: known[name] for name in pattern.pattern.converters}
        yield pattern.name, "/" + str(resolver.reverse(pattern.name, **wanted))


def guarded(approval: Approval | None) -> list[tuple[str, str]]:
    return [(name, path) for name, path in addresses(approval) if name not in OPEN]


def test_it_sends_who_is_not_signed_in_to_the_sign_in_page_and_back(ask: Ask) -> None:
    for name, path in guarded(ask()):
        answer: Any = Client().post(path) if name in ACTS else Page().get(path)
        if name in ACTS:
            assert answer.status_code == 401, path
            assert "Nothing was recorded" in answer.content.decode(), path
            assert 'href="/sign-in/?next=%2F' in answer.content.decode(), path
        else:
            assert answer.status_code == 302, path
            assert answer.headers["Location"].startswith("/sign-in/?next="), path


def test_it_leaves_the_window_of_a_fragment_where_it_is(ask: Ask) -> None:
    for name, path in guarded(ask()):
        if name not in ACTS:
            answer = Page().get(path, headers={"HX-Request": "true"})
            assert answer.status_code == 401, path
            assert "HX-Redirect" not in answer.headers, path
            assert answer.content.decode().startswith("You are signed out"), path


def test_it_shows_nothing_to_a_person_without_a_role(outsider: User, ask: Ask) -> None:
    for name, path in guarded(ask()):
        browser = Page(outsider)
        browser.client.handler.enforce_csrf_checks = False
        answer = browser.post(path) if name in ACTS else browser.get(path)
        assert answer.status_code == 404, path
        page = answer.content.decode()
        assert "Approvals" not in page, path
        assert "You have no role yet" in page, path


def test_it_lets_a_viewer_read_everything(viewer: User, ask: Ask) -> None:
    for name, path in guarded(ask()):
        if name not in ACTS and name != "artifact":
            assert Page(viewer).get(path).status_code == 200, path


@pytest.mark.parametrize("act", sorted(ACTS))
def test_it_refuses_an_act_without_its_role(
    act: str, viewer: User, operator: User, reviewer: User, ask: Ask
) -> None:
    path = dict(guarded(ask()))[act]
    for person, role in ((viewer, "viewer"), (operator, "operator"), (reviewer, "reviewer")):
        if role in ACTS[act].split(" or "):
            continue
        browser = Page(person)
        browser.client.handler.enforce_csrf_checks = False
        assert browser.post(path, {"input": "x", "decision": "approve"}).status_code == 403, (role, path)
    assert Run.objects.count() == 1
    assert Approval.objects.get().status == "pending"


def test_it_refuses_other_methods(administrator: User, ask: Ask) -> None:
    client = Page(administrator).client
    client.handler.enforce_csrf_checks = False
    for name, path in guarded(ask()):
        wrong = ("get", "put", "delete", "patch") if name in ACTS else ("post", "put", "delete", "patch")
        for method in wrong:
            assert getattr(client, method)(path).status_code == 405, (method, path)
    assert "Nothing was done" in client.get("/start/").content.decode()  # a browser shows no empty answer
    assert client.get("/sign-out/").status_code == 405
    assert client.get("/theme/").status_code == 405


def test_it_refuses_a_form_without_a_token(administrator: User, ask: Ask) -> None:
    for name, path in guarded(ask()):
        if name in ACTS:
            answer = Page(administrator).post(path, {"input": "x"})
            assert answer.status_code == 403, path
            assert "Nothing was sent" in answer.content.decode()
    assert Page(administrator).post("/sign-out/").status_code == 403


def test_it_knows_nothing_of_what_does_not_exist(administrator: User) -> None:
    for name, path in guarded(None):
        if "none" in path and name not in ACTS:
            answer = Page(administrator).get(path)
            assert answer.status_code == 404, path
            assert "There is nothing here" in answer.content.decode()


@pytest.mark.parametrize(
    "path", ["/runs/%00/", "/runs/a%0Ab/", "/threads/%F0%9F%90%9D/", "/approvals/" + "x" * 900 + "/"]
)
def test_it_answers_a_hostile_address_plainly(administrator: User, path: str) -> None:
    assert Page(administrator).get(path).status_code == 404


def test_a_nul_in_an_address_or_a_form_does_nothing(administrator: User) -> None:
    client = Page(administrator).client
    client.handler.enforce_csrf_checks = False
    for name, path in guarded(None):
        if "none" in path and name in ACTS:
            assert client.post(path.replace("none", "%00"), {"decision": "approve"}).status_code == 404, path
    assert client.post("/runs/retry/now/", {"ids": "a\0b"}).status_code in (302, 400)


@pytest.mark.parametrize("path", ["/", "/sign-in/", "/api/v1/runs", "/admin/login/"])
def test_a_nul_in_the_cookie_is_nobodys_session(db: None, path: str) -> None:
    browser = Client()
    browser.cookies["harness_session"] = "\0" * 32
    assert browser.get(path).status_code in (200, 302, 401)


@pytest.mark.parametrize(
    "query",
    [
        "state=%00",
        "state=none",
        "agent=%27",
        "q=%00%25_",
        "q=" + "x" * 5000,
        "next=%00",
        "back=9999-99-99~x",
        "thread=%F0",
    ],
)
@pytest.mark.parametrize("path", ["/runs/", "/runs/rows/", "/threads/", "/approvals/", "/approvals/rows/"])
def test_it_answers_a_hostile_filter_plainly(administrator: User, path: str, query: str) -> None:
    assert Page(administrator).get(f"{path}?{query}").status_code == 200


def test_it_lets_no_shared_cache_keep_a_page(viewer: User) -> None:
    headers = Page(viewer).get("/").headers
    assert "private" in headers["Cache-Control"]
    assert "Cookie" in headers["Vary"]

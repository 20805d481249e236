"""Every act that is refused because of who asks is noted: who, when, what, from where."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from runtime import access
from runtime.models import Approval, Denial
from runtime.web import denials
from tests.conftest import PASSWORD
from tests.web.conftest import Ask, Page

pytestmark = pytest.mark.django_db


def noted() -> list[tuple[str, str, str, int, str]]:
    rows = Denial.objects.order_by("id").values_list("kind", "name", "path", "status", "reason")
    return [(kind, name, path, status, reason) for kind, name, path, status, reason in rows]


def test_it_notes_an_act_beyond_ones_role(viewer: User, operator: User, ask: Ask) -> None:
    approval = ask()
    path = f"/approvals/{approval.pk}/decide/"
    for person in (viewer, operator):
        browser = Client()
        browser.force_login(person)
        browser.post(path, {"decision": "approve"}, REMOTE_ADDR="192.0.2.7")
        browser.post("/start/", {"input": "x"})
    assert Approval.objects.get().status == "pending"
    assert ("person", "vera", path, 403, "needs the role reviewer") in noted()
    assert ("person", "olga", path, 403, "needs the role reviewer") in noted()
    first = Denial.objects.order_by("id")[0]
    assert (first.address, first.method) == ("192.0.2.7", "POST")
    assert not [row for row in noted() if row[1] == "olga" and row[2] != path]


def test_it_notes_who_has_no_role_or_is_nobody(outsider: User) -> None:
    browser = Client()
    browser.post("/start/", {"input": "x"})
    browser.force_login(outsider)
    browser.post("/start/", {"input": "x"})
    browser.post("/admin/auth/user/add/", {"username": "me"})
    assert noted() == [
        ("", "", "/start/", 401, "not signed in"),
        ("person", "otto", "/start/", 404, "has no role"),
        ("person", "otto", "/admin/auth/user/add/", 404, "needs the role administrator"),
    ]


def test_it_notes_programs(client: Client) -> None:
    token = access.make_token("robot", ["viewer"])
    run: dict[str, Any] = {"data": json.dumps({"input": "x"}), "content_type": "application/json"}
    client.post("/api/v1/runs", **run, headers={"Authorization": f"Bearer {token}"})
    client.post("/api/v1/runs", **run, headers={"Authorization": "Bearer hrn_wrong"})
    client.post("/api/v1/runs", **run)
    assert noted() == [
        ("service", "robot", "/api/v1/runs", 403, "needs the role operator"),
        ("", "", "/api/v1/runs", 401, "a bad token"),
        ("", "", "/api/v1/runs", 401, "Unauthorized"),
    ]


def test_it_notes_forms_of_other_sites(operator: User) -> None:
    Page(operator).post("/start/", {"input": "x"})
    [row] = noted()
    assert row[:4] == ("person", "olga", "/start/", 403)
    assert "CSRF" in row[4]


def test_it_notes_wrong_passwords_and_never_what_was_typed(viewer: User) -> None:
    browser = Page()
    browser.send("/sign-in/", "/sign-in/", username="vera", password="wrong")
    browser.send("/sign-in/", "/sign-in/", username=PASSWORD, password="vera")
    assert [row[4] for row in noted()] == ["a wrong name or password, for vera", "a wrong name or password"]
    assert all(PASSWORD not in repr(row) for row in Denial.objects.values_list())


def test_it_notes_nothing_else(viewer: User, operator: User) -> None:
    browser = Client()
    browser.get("/")
    browser.force_login(viewer)
    browser.get("/admin/")
    browser.get("/runs/nothing/")
    browser.force_login(operator)
    browser.post("/runs/nothing/cancel/")
    browser.post("/start/", {"input": ""})
    assert noted() == []


def test_a_flood_leaves_few_rows_and_says_how_many_are_missing(client: Client) -> None:
    for _ in range(denials.OF_ONE + 15):
        client.post("/start/", {"input": "x"}, REMOTE_ADDR="192.0.2.7")
    assert Denial.objects.count() == denials.OF_ONE
    client.post("/start/", {"input": "x"}, REMOTE_ADDR="192.0.2.8")
    assert Denial.objects.order_by("id").last().left_out == 15  # type: ignore[union-attr]


def test_the_ration_is_for_all_together_and_begins_anew_each_hour() -> None:
    now = [0.0]
    ration = denials.Ration(lambda: now[0])
    kept = [ration.take(("", f"192.0.2.{number}")) for number in range(denials.OF_ALL + 5)]
    assert kept.count(0) == denials.OF_ALL
    assert kept[-5:] == [None] * 5
    now[0] = denials.HOUR
    assert ration.take(("", "192.0.2.1")) == 5
    assert ration.take(("", "192.0.2.1")) == 0


def test_it_keeps_no_link_that_still_opens(viewer: User) -> None:
    token = access.make_sign_in_link(viewer)
    answer = Client(enforce_csrf_checks=True).post(f"/sign-in/link/{token}/")
    assert answer.status_code == 403
    assert [row[2] for row in noted()] == ["/sign-in/link/…/"]
    assert access.find_sign_in_link(token) is not None

"""Who may call: tokens, sessions with CSRF, roles on every address and method."""

from __future__ import annotations

import logging
from datetime import timedelta

import orjson
import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone

from runtime import access
from runtime.api.api import api
from runtime.models import Approval, Run, ServiceAccount
from tests.api.conftest import API, Caller, caller_with, checked, json_of

BODIES = {
    "/runs": {"input": "list files"},
    "/approvals/decisions": {"items": [{}]},
}
WRITING_ERRORS = {"post": {400, 403, 409, 413, 415, 422}, "delete": {403, 409}}


def calls() -> list[tuple[str, str]]:
    """Every method and path of the document, with ids that nothing has."""
    found = []
    for path, operations in api.get_openapi_schema()["paths"].items():
        filled = path.removeprefix(API)
        for name in ("run_id", "thread_id", "approval_id", "artifact_id"):
            filled = filled.replace(f"{{{name}}}", "unknown")
        found += [(method, filled) for method in operations]
    return found


def call(caller: Caller, method: str, path: str) -> int:
    if method == "get":
        return caller.get(path).status_code
    if method == "delete":
        return caller.delete(path).status_code
    return caller.post(path, BODIES.get(path, {})).status_code


@pytest.mark.parametrize(("method", "path"), calls())
class TestEveryCall:
    def test_it_is_closed_to_strangers(self, nobody: Caller, method: str, path: str) -> None:
        assert call(nobody, method, path) == 401
        assert call(Caller("hrn_" + "x" * 43), method, path) == 401

    def test_it_does_not_exist_for_a_person_without_role(
        self, outsider: User, method: str, path: str
    ) -> None:
        client = Client()
        client.force_login(outsider)
        answer = client.generic(method.upper(), API + path, "{}", "application/json")
        assert answer.status_code == 404

    def test_it_lets_a_viewer_read_only(self, reading: Caller, method: str, path: str) -> None:
        status = call(reading, method, path)
        assert status in ({200, 404} if method == "get" else {403})

    def test_it_takes_no_other_method(self, operating: Caller, method: str, path: str) -> None:
        client = operating.client
        for other in ("PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE", "BREW"):
            if (other.lower(), path) in calls():
                continue
            answer = client.generic(other, API + path, headers=operating.headers)
            assert answer.status_code == 405
            assert method.upper() in answer.headers["Allow"]

    def test_it_is_documented_with_its_errors(self, method: str, path: str) -> None:
        operations = api.get_openapi_schema()["paths"]
        documented = next(
            operations[known][method]
            for known in operations
            if get_resolver().resolve(API + path).route == known[1:].replace("{", "<").replace("}", ">")
        )
        assert {401, 404} <= documented["responses"].keys()
        assert documented["responses"].keys() >= WRITING_ERRORS.get(method, set())


class TestTokens:
    def test_it_says_how_to_sign_in(self, nobody: Caller) -> None:
        answer = nobody.get("/runs")
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="agent-harness"'

    @pytest.mark.parametrize(
        "header",
        [
            "",
            "Bearer",
            "Bearer ",
            "Bearer x",
            "Basic YTpi",
            "hrn_x",
            "Bearer " + "x" * 10_000,
            "Bearer é\x01",
        ],
    )
    def test_it_refuses_what_is_no_token(self, nobody: Caller, header: str) -> None:
        answer = nobody.get("/runs", headers={"Authorization": header})
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")

    def test_it_refuses_replaced_revoked_and_expired_tokens(self, db: None) -> None:
        old = access.make_token("bot", ["viewer"])
        new = access.make_token("bot", expires_at=timezone.now() + timedelta(days=1))
        assert Caller(old).get("/runs").status_code == 401
        assert Caller(new).get("/runs").status_code == 200
        with time_machine.travel(timezone.now() + timedelta(days=2)):
            assert Caller(new).get("/runs").status_code == 401
        access.revoke_token("bot")
        assert Caller(new).get("/runs").status_code == 401

    def test_it_goes_by_what_the_account_is_at_each_request(self, db: None) -> None:
        caller = Caller(access.make_token("bot", ["operator"]))
        assert caller.post("/runs", {"input": "list files"}).status_code == 201
        account = ServiceAccount.objects.get(name="bot")
        for roles, status in ((["viewer"], 403), ([], 404), (["operator"], 201)):
            ServiceAccount.objects.filter(pk=account.pk).update(roles=roles)
            assert caller.post("/runs", {"input": "list files"}).status_code == status
        access.revoke_token("bot")
        assert caller.post("/runs", {"input": "list files"}).status_code == 401

    def test_it_does_not_fall_back_to_the_session(self, operator: User) -> None:
        client = Client()
        client.force_login(operator)
        assert client.get(f"{API}/runs").status_code == 200
        answer = client.get(f"{API}/runs", headers={"Authorization": "Bearer x"})
        assert answer.status_code == 401

    def test_it_notes_who_was_denied(self, reading: Caller, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.WARNING, "runtime.access"):
            reading.post("/runs", {"input": "x"})
        assert "bot-viewer from 127.0.0.1 needs the role operator for 'POST /api/v1/runs'" in caplog.text

    def test_it_is_not_taken_from_the_address(self, reading: Caller, nobody: Caller) -> None:
        token = reading.headers["Authorization"].removeprefix("Bearer ")
        assert nobody.get("/runs", token=token, access_token=token).status_code == 401


class TestSessions:
    def sign_in(self, user: User) -> Client:
        client = Client(enforce_csrf_checks=True)
        client.force_login(user)
        return client

    def csrf(self, client: Client) -> str:
        """A CSRF token as the documentation page carries it."""
        page = client.get(f"{API}/docs").content.decode()
        return page.partition('data-csrf-token="')[2].partition('"')[0]

    def test_it_reads_without_and_writes_with_a_csrf_token(self, operator: User) -> None:
        client = self.sign_in(operator)
        body = orjson.dumps({"input": "list files"})
        assert client.get(f"{API}/runs").status_code == 200
        refused = checked(client.post(f"{API}/runs", body, "application/json"))  # type: ignore[arg-type]
        assert refused.status_code == 403
        token = self.csrf(client)
        started = client.post(f"{API}/runs", body, "application/json", headers={"X-CSRFToken": token})
        assert started.status_code == 201
        assert orjson.loads(started.content)["requested_by"] == "olga"
        assert Run.objects.count() == 1

    @pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://testserver.evil.example"])
    def test_it_refuses_another_sites_request(self, operator: User, origin: str) -> None:
        client = self.sign_in(operator)
        headers = {"X-CSRFToken": self.csrf(client), "Origin": origin}
        body = orjson.dumps({"input": "list files"})
        answer = client.post(f"{API}/runs", body, "application/json", headers=headers)
        assert answer.status_code == 403
        assert not Run.objects.exists()

    def test_it_refuses_a_form_of_another_site(self, operator: User) -> None:
        # What a cross-site form can send without the browser asking first: JSON dressed as text.
        client = self.sign_in(operator)
        answer = client.post(f"{API}/runs", b'{"input":"x"}', "text/plain")
        assert answer.status_code == 403
        assert not Run.objects.exists()

    def test_it_ends_when_the_person_is_disabled(self, operator: User) -> None:
        client = self.sign_in(operator)
        User.objects.filter(pk=operator.pk).update(is_active=False)
        assert client.get(f"{API}/runs").status_code == 401

    def test_it_follows_the_roles_as_they_are_now(self, reviewer: User, approval: Approval) -> None:
        client = self.sign_in(reviewer)
        reviewer.groups.clear()
        assert client.get(f"{API}/approvals").status_code == 404


class TestRoles:
    def test_it_adds_up_roles(self, db: None) -> None:
        both = caller_with("operator", "reviewer")
        assert both.post("/runs", {"input": "list files"}).status_code == 201
        assert (
            both.post("/approvals/unknown/decision", {"decision": "approve", "digest": "x"}).status_code
            == 404
        )

    def test_it_lets_an_administrator_do_everything(self, administrator: User) -> None:
        caller = caller_with("administrator")
        assert caller.post("/runs", {"input": "list files"}).status_code == 201
        assert access.person(administrator, "api", "").may("reviewer")

    def test_it_shows_nothing_to_an_account_without_a_known_role(self, db: None) -> None:
        caller = Caller(access.make_token("bot", ["viewer"]))
        ServiceAccount.objects.update(roles=["emperor"])
        assert json_of(caller.get("/runs"), 404)["detail"] == "There is nothing here for you."

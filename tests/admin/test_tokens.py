"""Service accounts: shown without their hash, revoked by a deliberate act."""

from __future__ import annotations

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.test import Client

from runtime import access
from runtime.models import ServiceAccount, SignInLink, TokenAct
from tests.admin.conftest import list_url, page_url


@pytest.fixture
def token(db: None) -> str:
    return access.make_token("robot", ["operator", "reviewer"])


def revoke_url() -> str:
    return page_url(ServiceAccount.objects.get()).replace("/change/", "/revoke/")


def test_it_lists_prefix_roles_and_last_use(desk: Client, token: str) -> None:
    assert access.find_token(token) is not None
    text = desk.get(list_url(ServiceAccount)).content.decode()
    used = ServiceAccount.objects.get().last_used_at
    assert used is not None
    for part in ("robot", token[:10], "operator, reviewer", "live", f"{used:%Y-%m-%d %H:%M:%S}"):
        assert part in text


def test_it_calls_an_account_by_its_name(desk: Client, token: str) -> None:
    html = desk.get(page_url(ServiceAccount.objects.get())).content.decode()
    assert "<h2>robot</h2>" in html
    assert '<a href="/admin/runtime/">Records</a>' in html, "as in the list's path"
    assert re.search(r"&rsaquo; robot\s*</div>", html)


def test_it_never_shows_a_hash(desk: Client, token: str, administrator: User) -> None:
    access.make_sign_in_link(administrator)
    account, link = ServiceAccount.objects.get(), SignInLink.objects.get()
    for url in (
        list_url(ServiceAccount),
        page_url(account),
        revoke_url(),
        list_url(SignInLink),
        page_url(link),
    ):
        text = desk.get(url).content.decode()
        assert account.token_hash not in text
        assert link.token_hash not in text
    assert desk.get(list_url(ServiceAccount, token_hash__startswith="a")).status_code == 400


def test_it_asks_before_it_revokes(desk: Client, token: str) -> None:
    assert revoke_url().rpartition("/admin/")[2] in revoke_url()
    assert "../revoke/" in desk.get(page_url(ServiceAccount.objects.get())).content.decode()
    assert desk.get(revoke_url()).status_code == 200
    assert access.find_token(token) is not None


def test_it_revokes(desk: Client, token: str, administrator: User) -> None:
    account = ServiceAccount.objects.get()
    response = desk.post(revoke_url(), follow=True)
    assert response.redirect_chain == [(page_url(account), 302)]
    assert access.find_token(token) is None
    text = response.content.decode()
    assert "is refused from now on" in text
    assert "../revoke/" not in text
    entry = LogEntry.objects.get()
    assert entry.user == administrator
    assert entry.get_change_message() == f"Token {token[:10]}… revoked. From 127.0.0.1."


def test_it_revokes_once(desk: Client, token: str) -> None:
    desk.post(revoke_url())
    response = desk.post(revoke_url(), follow=True)
    assert "had been revoked already" in response.content.decode()
    assert LogEntry.objects.count() == 1


@pytest.mark.parametrize("roles", [["viewer"], ["operator", "reviewer"]])
def test_it_lets_nobody_else_revoke(client: Client, token: str, roles: list[str]) -> None:
    from tests.conftest import make_person

    client.force_login(make_person("peter", *roles))
    assert client.post(revoke_url()).status_code == 404
    assert access.find_token(token) is not None


def test_it_needs_the_form_of_its_own_page(administrator: User, token: str) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(administrator)
    assert browser.post(revoke_url()).status_code == 403
    assert access.find_token(token) is not None


def test_it_knows_no_other_account(desk: Client, token: str) -> None:
    assert desk.post(revoke_url().replace(f"/{ServiceAccount.objects.get().pk}/", "/999/")).status_code == 404
    assert desk.put(revoke_url()).status_code == 403


def test_it_keeps_who_made_replaced_and_revoked_a_token(
    desk: Client, token: str, administrator: User
) -> None:
    made_at = ServiceAccount.objects.get().created_at
    access.make_token("robot", ["administrator"])
    desk.post(revoke_url())
    acts = TokenAct.objects.order_by("pk")
    assert [(act.act, act.roles_before, act.roles_after) for act in acts] == [
        ("made", "", "operator, reviewer"),
        ("replaced", "operator, reviewer", "administrator"),
        ("revoked", "administrator", "administrator"),
    ]
    assert [act.source for act in acts] == ["command", "command", "page"]
    assert acts[2].done_by == administrator.get_username()
    assert ServiceAccount.objects.get().created_at == made_at
    listed = desk.get(list_url(TokenAct), {"q": "robot"}).content.decode()
    assert listed.count("replaced") == 1
    assert "3 " in desk.get(list_url(TokenAct), {"account__exact": acts[0].account_id}).content.decode()
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        TokenAct.objects.update(done_by="nobody")

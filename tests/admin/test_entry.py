"""Who may enter the admin, and what it calls itself."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from runtime.models import Run, SignInLink
from tests.admin.conftest import list_url, page_url
from tests.conftest import make_person

ADDRESSES = [
    "/admin/",
    "/admin/runtime/",
    "/admin/auth/user/add/",
    "/admin/password_change/",
    "/admin/nowhere/",
]


@pytest.mark.parametrize("url", ADDRESSES)
def test_it_sends_strangers_to_the_sign_in_page(client: Client, url: str, db: None) -> None:
    response = client.get(url)
    assert response.status_code == 302
    assert response.headers["Location"] == f"/sign-in/?next={url}"


@pytest.mark.parametrize("roles", [[], ["viewer"], ["operator", "reviewer"]])
@pytest.mark.parametrize("method", ["get", "post"])
def test_it_does_not_exist_for_other_people(
    client: Client, story: Run, roles: list[str], method: str
) -> None:
    person = make_person("peter", *roles)
    person.is_staff = True  # Django's own flag opens nothing here
    person.save()
    client.force_login(person)
    for url in [*ADDRESSES, list_url(Run), page_url(story)]:
        assert getattr(client, method)(url).status_code == 404


@pytest.mark.parametrize("url", ADDRESSES[:4])
def test_it_lets_an_administrator_by_role_in(desk: Client, url: str) -> None:
    assert desk.get(url).status_code == 200


def test_it_lets_a_superuser_in(client: Client, db: None) -> None:
    client.force_login(User.objects.create_superuser("root"))
    assert client.get("/admin/").status_code == 200


def test_it_shuts_out_the_disabled(desk: Client, administrator: User) -> None:
    administrator.is_active = False
    administrator.save()
    assert desk.get("/admin/").status_code == 302


def test_it_has_one_sign_in_page(client: Client, db: None) -> None:
    response = client.get("/admin/login/", {"next": "/admin/runtime/"})
    assert response.headers["Location"] == "/sign-in/?next=%2Fadmin%2Fruntime%2F"
    assert client.post("/admin/login/", {"username": "a", "password": "b"}).status_code == 302


def test_it_bears_the_name_of_the_product(desk: Client) -> None:
    text = desk.get("/admin/").content.decode()
    assert "Agent Harness" in text
    assert "Django" not in text
    for heading in ("Records", "People", "Changes by administrators"):
        assert heading in text
    assert 'href="/runs/"' in text


def test_it_speaks_of_people_and_roles(desk: Client, story: Run, administrator: User) -> None:
    pages = ["/admin/", "/admin/auth/", list_url(User), page_url(administrator), list_url(Group)]
    pages += [list_url(SignInLink), page_url(SignInLink.objects.get())]
    for page in pages:
        text = re.sub("<[^>]*>", " ", desk.get(page).content.decode())
        assert "Authentication" not in text
        found = re.findall(r"(?i)\b(?:users?|groups?)\b.*", text)
        assert [line for line in found if not line.startswith("user has all permissions")] == [], page
    assert ">Add person</h1>" in desk.get("/admin/auth/user/add/").content.decode()


def test_it_holds_nothing_that_the_policy_forbids(desk: Client, story: Run) -> None:
    for url in ("/admin/", list_url(Run), page_url(story), list_url(User), page_url(User.objects.get())):
        response = desk.get(url)
        assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
        text = response.content.decode()
        assert " style=" not in text
        assert " onclick=" not in text
        assert "<script>" not in text

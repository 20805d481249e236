"""People in the admin: made, given roles and passwords, disabled; every change is written down."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.test import Client

from runtime import access
from runtime.models import Run
from tests.admin.conftest import list_url, page_url
from tests.conftest import PASSWORD

ADD = "/admin/auth/user/add/"
NEW = {"usable_password": "true", "password1": "a-long-new-word", "password2": "a-long-new-word"}


def ids(*names: str) -> list[int]:
    return [Group.objects.get(name=name).pk for name in names]


def form(person: User, *roles: str, **values: Any) -> dict[str, Any]:
    return {
        "username": person.username,
        "email": person.email,
        "is_active": "on",
        "groups": ids(*roles),
        **values,
    }


def said() -> list[str]:
    return [entry.get_change_message() for entry in LogEntry.objects.order_by("pk")]


def test_it_makes_a_person_with_roles(desk: Client, client: Client) -> None:
    answer = desk.post(ADD, {"username": "nora", "groups": ids("operator", "reviewer"), **NEW})
    nora = User.objects.get(username="nora")
    assert answer.headers["Location"] == page_url(nora)
    assert access.person(nora, "page", "").roles == {"operator", "reviewer"}
    assert nora.check_password(NEW["password1"])
    assert not nora.is_staff
    assert said() == ["Added. Roles: operator, reviewer. From 127.0.0.1."]


def test_it_makes_a_person_who_comes_in_by_links_alone(desk: Client) -> None:
    desk.post(ADD, {"username": "nora", "usable_password": "false"})
    assert not User.objects.get(username="nora").has_usable_password()


def test_it_says_how_a_person_comes_in(desk: Client, viewer: User) -> None:
    for address in (ADD, page_url(viewer).replace("/change/", "/password/")):
        page = desk.get(address).content.decode()
        assert "one-time links alone" in page
        assert "LDAP" not in page


def test_it_speaks_of_people_not_of_users(desk: Client, viewer: User) -> None:
    page = desk.get(page_url(viewer)).content.decode()
    assert "Superuser" in page
    assert "this user" not in page


def test_it_refuses_a_weak_password(desk: Client) -> None:
    weak = {"usable_password": "true", "password1": "12345", "password2": "12345"}
    assert desk.post(ADD, {"username": "nora", **weak}).status_code == 200
    assert not User.objects.filter(username="nora").exists()


def test_it_changes_roles_and_says_how(desk: Client, viewer: User) -> None:
    desk.post(page_url(viewer), form(viewer, "viewer", "reviewer"))
    assert access.person(viewer, "page", "").may("reviewer")
    assert said() == ["Roles: viewer → reviewer, viewer. From 127.0.0.1."]


def test_it_disables_a_person(desk: Client, viewer: User) -> None:
    values = form(viewer, "viewer")
    del values["is_active"]
    desk.post(page_url(viewer), values)
    viewer.refresh_from_db()
    assert not viewer.is_active
    assert said() == ["Disabled. From 127.0.0.1."]


def test_it_sets_a_password(desk: Client, viewer: User) -> None:
    url = page_url(viewer).replace("/change/", "/password/")
    desk.post(url, {**NEW, "set-password": "1"})
    viewer.refresh_from_db()
    assert viewer.check_password(NEW["password1"])
    assert said() == ["Password set. From 127.0.0.1."]


def test_it_never_shows_a_password_hash(desk: Client, viewer: User) -> None:
    secret = viewer.password.rpartition("$")[2]
    url = page_url(viewer)
    for address in (url, url.replace("/change/", "/password/"), url.replace("/change/", "/history/")):
        text = desk.get(address).content.decode()
        assert secret[:6] not in text
        assert "iterations" not in text
        assert "md5" not in text
    assert desk.get(list_url(User, password__startswith="md5")).status_code == 400


def test_it_cannot_make_a_superuser(desk: Client, viewer: User) -> None:
    extra = {"is_superuser": "on", "is_staff": "on", "user_permissions": [1], "password": "x"}
    desk.post(page_url(viewer), form(viewer, "viewer", **extra))
    viewer.refresh_from_db()
    assert not viewer.is_superuser
    assert not viewer.is_staff
    assert viewer.check_password(PASSWORD)


def test_it_keeps_an_administrator_from_locking_themselves_out(desk: Client, administrator: User) -> None:
    without_role = form(administrator, "viewer")
    disabled = {
        name: value for name, value in form(administrator, "administrator").items() if name != "is_active"
    }
    for values in (without_role, disabled):
        answer = desk.post(page_url(administrator), values)
        assert answer.status_code == 200
        assert "another administrator can" in answer.content.decode()
    administrator.refresh_from_db()
    assert access.person(administrator, "page", "").may("administrator")


def test_it_deletes_nobody(desk: Client, viewer: User) -> None:
    assert desk.post(page_url(viewer).replace("/change/", "/delete/"), {"post": "yes"}).status_code == 403
    action = {"action": "delete_selected", "_selected_action": [viewer.pk], "post": "yes"}
    desk.post(list_url(User), action)
    assert User.objects.filter(pk=viewer.pk).exists()


@pytest.mark.parametrize("suffix", ["add/", "1/delete/"])
def test_it_keeps_the_roles_as_they_are(desk: Client, story: Run, suffix: str) -> None:
    assert desk.get(list_url(Group) + suffix).status_code == 403
    assert desk.post(list_url(Group) + suffix, {"name": "emperor", "post": "yes"}).status_code == 403


def test_it_tells_who_has_a_role(desk: Client, viewer: User) -> None:
    text = desk.get(page_url(Group.objects.get(name="viewer"))).content.decode()
    assert f'href="{page_url(viewer)}"' in text


def test_it_offers_the_four_roles_and_no_other_group(desk: Client, viewer: User) -> None:
    strange = Group.objects.create(name="emperor")
    text = desk.get(page_url(viewer)).content.decode()
    for role in access.ROLES:
        assert role in text
    assert "emperor" not in text
    desk.post(page_url(viewer), {**form(viewer, "viewer"), "groups": [strange.pk]})
    assert not viewer.groups.filter(name="emperor").exists()


def test_it_shows_what_was_done_and_by_whom(desk: Client, viewer: User, administrator: User) -> None:
    desk.post(page_url(viewer), form(viewer, "operator"))
    text = desk.get(list_url(LogEntry)).content.decode()
    assert "Roles: viewer → operator. From 127.0.0.1." in text
    assert administrator.username in text
    assert viewer.username in text


def test_it_lets_people_change_their_own_password(desk: Client, administrator: User) -> None:
    words = {"old_password": PASSWORD, "new_password1": NEW["password1"], "new_password2": NEW["password1"]}
    assert desk.post("/admin/password_change/", words).status_code == 302
    administrator.refresh_from_db()
    assert administrator.check_password(NEW["password1"])


def test_no_person_gets_the_name_of_a_program(desk: Client, administrator: User) -> None:
    """Decisions are recorded by name."""
    access.make_token("ci", ["reviewer"])
    made = desk.post(ADD, {"username": "ci", "groups": ids("viewer"), **NEW})
    assert "A service account is called ci" in made.content.decode()
    nora = User.objects.create_user("nora")
    renamed = desk.post(page_url(nora), form(nora, "viewer", username="ci"))
    assert "A service account is called ci" in renamed.content.decode()
    assert not User.objects.filter(username="ci").exists()
    desk.post(page_url(nora), form(nora, "viewer"))
    assert [group.name for group in nora.groups.all()] == ["viewer"]

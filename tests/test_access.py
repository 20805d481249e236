"""Actors and roles, tokens, sign-in links."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import AnonymousUser, Group, User
from django.db import OperationalError, connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from runtime import access
from runtime.models import ServiceAccount, SignInLink
from tests.conftest import make_person

pytestmark = pytest.mark.django_db


class TestRoles:
    @pytest.mark.parametrize(
        ("role", "may"),
        [
            ("viewer", {"viewer"}),
            ("operator", {"viewer", "operator"}),
            ("reviewer", {"viewer", "reviewer"}),
            ("administrator", {"viewer", "operator", "reviewer", "administrator"}),
        ],
    )
    def test_it_includes_what_a_role_includes(self, role: str, may: set[str]) -> None:
        actor = access.person(make_person("pat", role), "page", "10.0.0.1")
        assert {name for name in access.ROLES if actor.may(name)} == may
        assert not actor.may("emperor")

    def test_it_adds_roles_up(self) -> None:
        actor = access.person(make_person("pat", "operator", "reviewer"), "api", "")
        assert actor.may("operator")
        assert actor.may("reviewer")
        assert not actor.may("administrator")

    def test_it_knows_only_its_own_groups(self) -> None:
        user = make_person("pat")
        user.groups.add(Group.objects.create(name="emperor"))
        actor = access.person(user, "page", "")
        assert actor.roles == frozenset()
        assert not actor.may("viewer")
        assert not actor.may("emperor")

    def test_it_takes_a_superuser_for_an_administrator(self) -> None:
        actor = access.person(User.objects.create_superuser("root"), "page", "")
        assert actor.may("administrator")

    def test_it_gives_nothing_to_the_disabled_and_the_unknown(self) -> None:
        user = make_person("pat", "administrator")
        user.is_active = False
        assert not access.person(user, "page", "").may("viewer")
        assert not access.person(AnonymousUser(), "page", "").may("viewer")

    def test_it_works_for_the_lazy_user_of_a_request(self, operator: User) -> None:
        from django.utils.functional import SimpleLazyObject

        request = RequestFactory().get("/")
        request.user = SimpleLazyObject(lambda: operator)  # type: ignore[assignment]
        actor = access.person(request.user, "page", "10.0.0.1")
        assert actor.name == "olga"
        assert actor.may("operator")
        assert actor.id == operator.pk
        assert actor.address == "10.0.0.1"

    def test_it_names_the_terminal(self) -> None:
        actor = access.command()
        assert actor.name
        assert actor.source == "command"
        assert actor.may("administrator")


class TestTokens:
    def test_it_stores_a_hash_and_a_prefix_only(self) -> None:
        token = access.make_token("bot", ["operator"])
        account = ServiceAccount.objects.get()
        assert token.startswith("hrn_")
        assert len(token) >= 4 + 43  # 256 bits
        assert token.startswith(account.token_prefix)
        assert len(account.token_prefix) <= 10
        stored = [str(value) for value in ServiceAccount.objects.values().get().values()]
        assert token not in stored
        assert token[4:] not in "".join(stored)

    def test_it_finds_the_account(self) -> None:
        account = access.find_token(access.make_token("bot", ["operator"]))
        assert account is not None
        actor = access.service(account, "10.0.0.1")
        assert (actor.kind, actor.name, actor.source) == ("service", "bot", "api")
        assert actor.may("operator")
        assert not actor.may("reviewer")

    @pytest.mark.parametrize(
        "text", ["", "hrn_", "x", "hrn_" + "a" * 43, "hrn_" + "é" * 43, "a" * 10_000, "hrn_\x00"]
    )
    def test_it_finds_nobody_for_other_text(self, text: str) -> None:
        access.make_token("bot", ["operator"])
        assert access.find_token(text) is None

    def test_it_replaces_the_token_and_keeps_the_roles(self) -> None:
        old = access.make_token("bot", ["reviewer"])
        new = access.make_token("bot")
        assert access.find_token(old) is None
        account = access.find_token(new)
        assert account is not None
        assert account.roles == ["reviewer"]
        assert ServiceAccount.objects.count() == 1
        access.make_token("bot", ["viewer"])
        assert ServiceAccount.objects.get().roles == ["viewer"]

    def test_it_makes_a_new_account_a_viewer(self) -> None:
        access.make_token("bot")
        assert ServiceAccount.objects.get().roles == ["viewer"]

    def test_it_expires(self) -> None:
        token = access.make_token("bot", expires_at=timezone.now() + timedelta(hours=1))
        assert access.find_token(token) is not None
        with time_machine.travel(timezone.now() + timedelta(hours=2)):
            assert access.find_token(token) is None

    def test_it_is_revoked_and_made_anew(self) -> None:
        token = access.make_token("bot")
        assert access.revoke_token("bot")
        assert access.find_token(token) is None
        assert not access.revoke_token("bot")
        assert not access.revoke_token("unknown")
        assert access.find_token(access.make_token("bot")) is not None

    def test_it_notes_the_use_once_a_minute(self) -> None:
        token = access.make_token("bot")
        start = timezone.now().replace(microsecond=0)
        with time_machine.travel(start, tick=False) as clock:
            access.find_token(token)
            clock.shift(59)
            with CaptureQueriesContext(connection) as asked:
                access.find_token(token)
            assert len(asked) == 1
            assert ServiceAccount.objects.get().last_used_at == start
            clock.shift(1)
            access.find_token(token)
            assert ServiceAccount.objects.get().last_used_at == start + timedelta(seconds=60)

    def test_it_lets_read_while_nothing_can_be_written(self) -> None:
        token = access.make_token("bot")

        def full(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            if sql.startswith("UPDATE"):
                raise OperationalError("database or disk is full")
            return execute(sql, params, many, context)

        with connection.execute_wrapper(full):
            assert access.find_token(token) is not None

    def test_it_does_not_pass_for_a_person(self, operator: User) -> None:
        account = access.find_token(access.make_token("olga"))
        assert account is not None
        assert access.service(account, "").name == "olga (token)"

    @pytest.mark.parametrize("name", ["", " ", "-x", ".x", "a b", "a\nb", "ä", "x" * 65, "a/b", "<b>"])
    def test_it_refuses_odd_names(self, name: str) -> None:
        with pytest.raises(access.AccessError, match="will not do"):
            access.make_token(name)
        assert not ServiceAccount.objects.exists()

    def test_it_refuses_unknown_roles_and_past_ends(self) -> None:
        with pytest.raises(access.AccessError, match="no role 'emperor'"):
            access.make_token("bot", ["viewer", "emperor"])
        with pytest.raises(access.AccessError, match="expired already"):
            access.make_token("bot", expires_at=timezone.now())
        assert not ServiceAccount.objects.exists()


class TestSignInLinks:
    def test_it_signs_in_once(self, operator: User) -> None:
        token = access.make_sign_in_link(operator)
        assert access.redeem_sign_in_link(token) == operator
        assert access.redeem_sign_in_link(token) is None

    def test_it_has_one_winner(self, operator: User) -> None:
        token = access.make_sign_in_link(operator)
        seen = access.find_sign_in_link(token)  # both clicks have seen the unused link …
        assert seen is not None
        assert access.redeem_sign_in_link(token) == operator
        assert SignInLink.objects.filter(pk=seen.pk, used_at__isnull=True).update(used_at=timezone.now()) == 0

    def test_it_is_not_used_up_by_looking(self, operator: User) -> None:
        token = access.make_sign_in_link(operator)
        assert access.find_sign_in_link(token) is not None
        assert access.find_sign_in_link(token) is not None
        assert access.redeem_sign_in_link(token) == operator
        assert access.find_sign_in_link(token) is None

    def test_it_expires(self, operator: User) -> None:
        token = access.make_sign_in_link(operator)
        with time_machine.travel(timezone.now() + access.SIGN_IN_LINK_LIFE):
            assert access.redeem_sign_in_link(token) is None
            access.make_sign_in_link(operator)
            assert SignInLink.objects.count() == 1

    def test_it_does_nothing_for_the_disabled(self, operator: User) -> None:
        token = access.make_sign_in_link(operator)
        User.objects.filter(pk=operator.pk).update(is_active=False)
        assert access.redeem_sign_in_link(token) is None

    @pytest.mark.parametrize("text", ["", "x", "a" * 43, "a" * 10_000, "é" * 43, "\x00"])
    def test_it_knows_no_other_text(self, operator: User, text: str) -> None:
        access.make_sign_in_link(operator)
        assert access.redeem_sign_in_link(text) is None

    def test_it_stores_no_token(self, operator: User) -> None:
        token = access.make_sign_in_link(operator)
        assert token not in str(SignInLink.objects.values().get())

    def test_it_has_an_address(self, operator: User) -> None:
        token = access.make_sign_in_link(operator)
        assert access.sign_in_url(token).startswith("http://127.0.0.1:8000/")
        assert token in access.sign_in_url(token)


class TestFirstAdministrator:
    def test_it_is_the_one_who_was_there_first(self, operator: User, administrator: User) -> None:
        assert access.first_administrator() == administrator
        User.objects.create_superuser("root")
        assert access.first_administrator() == administrator
        User.objects.filter(pk=administrator.pk).update(is_active=False)
        found = access.first_administrator()
        assert found is not None
        assert found.username == "root"

    def test_it_is_nobody_at_first(self, operator: User) -> None:
        assert access.first_administrator() is None

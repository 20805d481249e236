"""`token` and `sign_in_link`."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from runtime import access
from runtime.models import ServiceAccount
from tests.product import LEAN

ROOT = Path(__file__).resolve().parents[2]


def output(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def in_a_process(data_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command as a person types it."""
    env = {**os.environ, "HARNESS_DATA_DIR": str(data_dir), "PYTHONPATH": str(LEAN)}
    command = [sys.executable, str(ROOT / "manage.py"), *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)


class TestToken:
    def test_it_prints_the_token_alone(self, db: None) -> None:
        printed = output("token", "bot", "--role", "operator", "--role", "reviewer")
        account = access.find_token(printed.removesuffix("\n"))
        assert account is not None
        assert account.roles == ["operator", "reviewer"]

    def test_it_sets_an_end(self, db: None) -> None:
        output("token", "bot", "--expires-days", "7")
        ends = ServiceAccount.objects.get().expires_at
        assert ends is not None
        assert timedelta(days=6) < ends - timezone.now() <= timedelta(days=7)

    def test_it_revokes(self, db: None) -> None:
        token = output("token", "bot").strip()
        assert output("token", "bot", "--revoke") == ""
        assert access.find_token(token) is None
        with pytest.raises(CommandError, match="no live token"):
            call_command("token", "bot", "--revoke")

    @pytest.mark.parametrize(
        "arguments", [["bot", "--role", "emperor"], ["b t"], [""], ["bot", "--expires-days", "0"]]
    )
    def test_it_refuses_mistakes(self, db: None, arguments: list[str]) -> None:
        with pytest.raises(CommandError):
            call_command("token", *arguments)
        assert not ServiceAccount.objects.exists()

    def test_it_says_mistakes_in_one_sentence(self, tmp_path: Path) -> None:
        for arguments in (["token", "bot", "--role", "emperor"], ["token", "bot"]):
            done = in_a_process(tmp_path, *arguments)  # the second finds no tables yet
            assert done.returncode == 1
            assert done.stdout == ""
            assert len(done.stderr.splitlines()) == 1
            assert done.stderr.startswith("The" if len(arguments) == 2 else "There")


class TestSignInLink:
    def test_it_prints_a_link_that_signs_in_by_its_button(self, administrator: User) -> None:
        link = output("sign_in_link").strip()
        path = "/" + link.removeprefix("http://").partition("/")[2]
        client = Client()
        assert client.get(path).status_code == 200
        assert "_auth_user_id" not in client.session
        assert client.post(path).status_code == 302
        assert client.session["_auth_user_id"] == str(administrator.pk)
        assert Client().post(path).status_code == 410

    def test_it_makes_the_first_administrator_when_there_is_nobody(self, tmp_path: Path) -> None:
        assert in_a_process(tmp_path, "migrate", "-v0").returncode == 0
        for _ in range(2):
            done = in_a_process(tmp_path, "sign_in_link")
            assert "/sign-in/link/" in done.stdout, done.stderr
        with sqlite3.connect(tmp_path / "runtime.sqlite") as database:
            people = database.execute(
                "SELECT username, is_superuser, name FROM auth_user JOIN auth_user_groups AS g"
                " ON g.user_id = auth_user.id JOIN auth_group ON auth_group.id = g.group_id"
            ).fetchall()
        database.close()
        assert people == [("admin", 1, "administrator")]

    def test_it_says_whom_it_signs_in(self, administrator: User, viewer: User) -> None:
        for arguments, who in (([], "anna, an administrator,"), (["--user", "vera"], "vera")):
            link, said = StringIO(), StringIO()
            call_command("sign_in_link", *arguments, stdout=link, stderr=said)
            assert len(link.getvalue().splitlines()) == 1, "for who passes it on"
            assert said.getvalue() == f"The link signs {who} in.\n"

    def test_it_takes_a_name(self, administrator: User, viewer: User) -> None:
        token = output("sign_in_link", "--user", "vera").strip().rstrip("/").rpartition("/")[2]
        assert access.redeem_sign_in_link(token) == viewer

    def test_it_refuses_whom_it_cannot_sign_in(self, viewer: User) -> None:
        for arguments, sentence in (
            ([], "no active administrator"),
            (["--user", "nobody"], "no person named 'nobody'"),
        ):
            with pytest.raises(CommandError, match=sentence):
                call_command("sign_in_link", *arguments)
        User.objects.update(is_active=False)
        with pytest.raises(CommandError, match="disabled"):
            call_command("sign_in_link", "--user", "vera")

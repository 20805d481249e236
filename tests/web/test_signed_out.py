"""The session ended in another tab: what was typed comes back, and nothing is recorded."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User

from runtime.models import Approval, Run
from tests.web.conftest import Ask, Page, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def left(reviewer: User) -> Page:
    """A tab whose form still stands there after its session ended."""
    browser = Page(reviewer)
    browser.client.handler.enforce_csrf_checks = False
    browser.client.logout()
    return browser


def way_back(html: str) -> str:
    found = re.search(r'href="/sign-in/\?next=([^"]*)"', html)
    assert found
    return found[1]


def test_it_says_that_nothing_was_recorded_and_gives_the_text_back(left: Page, ask: Ask) -> None:
    approval = ask()
    form = {
        "decision": "reject",
        "reason": "Not <b>this</b> one.",
        "digest": "the-digest",
        "csrfmiddlewaretoken": "the-token",
        "password": "the-password",
        "arg.path": "my.txt",
    }
    answer: Any = left.client.post(f"/approvals/{approval.pk}/decide/", form)
    html = text_of(answer)
    assert answer.status_code == 401
    assert "Nothing was recorded" in html
    assert "Not &lt;b&gt;this&lt;/b&gt; one." in html
    assert "my.txt" in html
    assert not re.search("the-(digest|token|password)", html)
    assert Approval.objects.get(pk=approval.pk).status == "pending"


def test_it_gives_the_text_of_a_run_back_with_every_line(left: Page) -> None:
    answer: Any = left.client.post("/start/", {"input": "\r\none\r\ntwo"})
    assert re.search(r"<textarea[^>]*readonly[^>]*>\n\r?\none\r?\ntwo</textarea>", text_of(answer))
    assert Run.objects.count() == 0


@pytest.mark.parametrize(
    ("referer", "then"),
    [
        ("http://testserver/runs/?q=a%26b", "%2Fruns%2F%3Fq%3Da%2526b"),
        ("http://testserver/start/", "%2F"),
        ("http://testserver/sign-in/", "%2Fthreads%2Fnone%2F"),
        ("http://elsewhere.example/runs/", "%2Fthreads%2Fnone%2F"),
        ("http://testserver//elsewhere.example/", "%2F"),
        ("javascript:alert(1)", "%2Fthreads%2Fnone%2F"),
        ("", "%2Fthreads%2Fnone%2F"),
    ],
)
def test_it_leads_back_to_the_page_of_the_form(left: Page, referer: str, then: str) -> None:
    headers = {"Referer": referer} if referer else {}
    answer: Any = left.client.post("/threads/none/send/", {"input": "x"}, headers=headers)
    assert way_back(text_of(answer)) == then


@pytest.mark.parametrize(("origin", "shown"), [("http://testserver", 1), ("http://evil.example", 0), ("", 0)])
def test_it_gives_the_text_back_from_a_form_older_than_the_sign_in(
    operator: User, origin: str, shown: int
) -> None:
    headers = {"Origin": origin} if origin else {}
    answer: Any = Page(operator).client.post("/start/", {"input": "so much work"}, headers=headers)
    assert answer.status_code == 403
    assert text_of(answer).count("so much work") == shown

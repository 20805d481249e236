"""Signing in and out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.db import connection

from runtime import access
from runtime.web import throttle
from tests.conftest import PASSWORD
from tests.web.conftest import Page, text_of

pytestmark = pytest.mark.django_db


def test_it_signs_in_and_goes_on_to_where_it_was_wanted(viewer: User) -> None:
    answer = Page().send(
        "/sign-in/?next=/runs/%3Fstate=failed", "/sign-in/", username="vera", password=PASSWORD
    )
    assert (answer.status_code, answer.headers["Location"]) == (302, "/runs/?state=failed")


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:a", "runs"]
)
def test_it_goes_nowhere_else(viewer: User, target: str) -> None:
    browser = Page()
    answer = browser.send("/sign-in/", "/sign-in/", username="vera", password=PASSWORD, next=target)
    assert answer.headers["Location"] == "/"


def test_it_rotates_the_session(viewer: User) -> None:
    browser = Page()
    browser.client.force_login(viewer)
    before = browser.client.cookies["harness_session"].value
    browser.send("/agents/", "/sign-out/")
    browser.send("/sign-in/", "/sign-in/", username="vera", password=PASSWORD)
    assert browser.client.cookies["harness_session"].value not in ("", before)


@pytest.mark.parametrize(
    ("name", "password"), [("vera", "wrong"), ("nobody", PASSWORD), ("vera", " "), ("a\x00b", "x")]
)
def test_it_refuses_without_saying_what_was_wrong(viewer: User, name: str, password: str) -> None:
    answer = Page().send("/sign-in/", "/sign-in/", username=name, password=password)
    assert answer.status_code == 422
    assert "That name and password do not fit." in text_of(answer) or "Give your name" in text_of(answer)
    assert f'value="{password}"' not in text_of(answer)


def test_it_keeps_nothing_of_a_name_that_nobody_can_have() -> None:
    answer = Page().send("/sign-in/", "/sign-in/", username="a" * 100_000, password="x")
    assert answer.status_code == 422
    assert "That name and password do not fit." in text_of(answer)
    assert not AccessAttempt.objects.exists()


def test_it_refuses_a_person_who_is_disabled(viewer: User) -> None:
    viewer.is_active = False
    viewer.save()
    assert Page().send("/sign-in/", "/sign-in/", username="vera", password=PASSWORD).status_code == 422


def test_it_locks_after_five_wrong_passwords_and_says_for_how_long(viewer: User) -> None:
    browser = Page()
    answers = [browser.send("/sign-in/", "/sign-in/", username="vera", password="wrong") for _ in range(5)]
    assert answers[-1].status_code == 429
    again = browser.send("/sign-in/", "/sign-in/", username="vera", password=PASSWORD)
    assert again.status_code == 429
    assert "Try again in 15 minutes" in text_of(again)
    assert again.headers["Retry-After"] == "900"


def test_each_refused_sign_in_is_one_line_with_its_address(
    viewer: User, caplog: pytest.LogCaptureFixture
) -> None:
    browser = Page()
    browser.client.defaults["REMOTE_ADDR"] = "192.0.2.7"
    for _ in range(5):
        browser.send("/sign-in/", "/sign-in/", username="vera", password="wrong")
    browser.send("/sign-in/", "/sign-in/", username="my-password\n from 1.2.3.4", password="wrong")
    wrong = "Sign-in refused from 192.0.2.7 as 'vera': a wrong name or password"
    assert [record.getMessage() for record in caplog.records] == [
        *[wrong] * 5,
        "Sign-in refused from 192.0.2.7 as 'vera': too many wrong passwords",
        "Sign-in refused from 192.0.2.7 as nobody here: a wrong name or password",
    ]


def test_it_locks_nobody_else(viewer: User, operator: User) -> None:
    browser = Page()
    for _ in range(5):
        browser.send("/sign-in/", "/sign-in/", username="vera", password="wrong")
    assert browser.send("/sign-in/", "/sign-in/", username="olga", password=PASSWORD).status_code == 302


def test_it_closes_an_address_that_guesses_at_many_names(
    viewer: User, administrator: User, settings: Any
) -> None:
    settings.ADDRESS_FAILURE_LIMIT = 12
    browser = Page()
    for number in range(12):
        last = browser.send("/sign-in/", "/sign-in/", username=f"name{number}", password=PASSWORD)
    assert last.status_code == 429
    assert browser.send("/sign-in/", "/sign-in/", username="vera", password=PASSWORD).status_code == 429
    elsewhere = Page()
    elsewhere.client.defaults["REMOTE_ADDR"] = "192.0.2.7"
    assert elsewhere.send("/sign-in/", "/sign-in/", username="vera", password=PASSWORD).status_code == 302
    assert _press(browser, f"/sign-in/link/{access.make_sign_in_link(administrator)}/") == 302


def test_it_allows_an_address_more_than_a_name() -> None:
    assert 20 <= django_settings.ADDRESS_FAILURE_LIMIT <= 200
    assert django_settings.AXES_FAILURE_LIMIT < django_settings.ADDRESS_FAILURE_LIMIT


def test_it_keeps_of_a_wrong_sign_in_neither_password_nor_token(viewer: User) -> None:
    browser = Page()
    browser.send("/sign-in/?next=/runs/", "/sign-in/", username="vera", password="hunter2-or-so")
    kept = AccessAttempt.objects.get()
    text = f"{kept.get_data}{kept.post_data}"
    assert "hunter2-or-so" not in text
    assert browser.client.cookies["csrftoken"].value not in text
    for name in ("csrfmiddlewaretoken", "username", "next", "password"):
        assert f"{name}=****" in text


def test_it_uses_a_link_up_with_the_button_alone(administrator: User) -> None:
    path = f"/sign-in/link/{access.make_sign_in_link(administrator)}/"
    for _ in range(3):  # a prefetch, a preview, a look
        shown = Page().get(path)
        assert shown.status_code == 200
        assert Page().client.head(path).status_code == 200
    browser = Page()
    answer = _press(browser, path)
    assert (answer, browser.get("/").status_code) == (302, 200)
    assert "anna" in text_of(browser.get("/"))
    assert Page().get(path).status_code == 410
    assert _press(Page(), path) == 410


def _press(browser: Page, path: str) -> int:
    """Presses the page's one button."""
    browser.get(path if browser.get(path).status_code == 200 else "/sign-in/")
    token = browser.client.cookies["csrftoken"].value
    return int(browser.post(path, {"csrfmiddlewaretoken": token}).status_code)


def test_it_needs_the_token_of_the_form_for_a_link(administrator: User) -> None:
    path = f"/sign-in/link/{access.make_sign_in_link(administrator)}/"
    assert Page().post(path).status_code == 403
    assert Page().get(path).status_code == 200


def test_it_signs_out_at_once(viewer: User) -> None:
    browser = Page(viewer)
    assert browser.send("/", "/sign-out/").status_code == 302
    assert browser.get("/").status_code == 302


def test_it_ends_the_session_of_a_person_who_is_disabled(viewer: User) -> None:
    browser = Page(viewer)
    viewer.is_active = False
    viewer.save()
    assert browser.get("/").status_code == 302


@pytest.mark.parametrize(
    ("choice", "shown"), [("dark", 'data-theme="dark"'), ("light", 'data-theme="light"')]
)
def test_it_keeps_the_chosen_colours(viewer: User, choice: str, shown: str) -> None:
    browser = Page(viewer)
    assert browser.send("/agents/", "/theme/", theme=choice).headers["Location"] == "/agents/"
    assert shown in text_of(browser.get("/"))
    browser.send("/agents/", "/theme/", theme="")
    assert "data-theme" not in text_of(browser.get("/"))


def test_it_takes_no_other_colours(viewer: User) -> None:
    browser = Page(viewer)
    browser.client.cookies["theme"] = '"><script>'
    assert "data-theme" not in text_of(browser.get("/"))


@pytest.mark.django_db(transaction=True)
def test_it_tries_no_more_passwords_at_once_than_one_after_the_other(viewer: User) -> None:
    def attempt(number: int) -> int:
        try:
            answer = Page().send("/sign-in/", "/sign-in/", username="vera", password=f"x{number}")
            return int(answer.status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(attempt, range(12)))
    assert sum(AccessAttempt.objects.values_list("failures_since_start", flat=True)) == 5
    assert answers.count(422) == 4  # the fifth closes it
    assert answers.count(429) == 8


def test_it_lets_nobody_wait_for_ever_to_try(viewer: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "PLACE_SECONDS", 0.05)
    for place in throttle._places:
        place.acquire()
    try:
        answer = Page().send("/sign-in/", "/sign-in/", username="vera", password=PASSWORD)
    finally:
        for place in throttle._places:
            place.release()
    assert answer.status_code == 429
    assert "at once" in text_of(answer)


def test_a_new_password_ends_the_links_of_before(viewer: User) -> None:
    token = access.make_sign_in_link(viewer)
    viewer.set_password("another-long-word")
    viewer.save()
    assert access.redeem_sign_in_link(token) is None
    assert access.find_sign_in_link(access.make_sign_in_link(viewer)) is not None

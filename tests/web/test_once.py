"""A form that is sent again, since nothing seemed to happen, starts nothing more."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from runtime.models import Run, Thread
from tests.web.conftest import Advance, Forms, Page, script, start, text_of

pytestmark = pytest.mark.django_db


def form(browser: Page, path: str, action: str) -> dict[str, str]:
    return next(fields for where, fields in Forms(text_of(browser.get(path))).found if where == action)


def send(browser: Page, action: str, fields: dict[str, str], **typed: str) -> Any:
    return browser.post(action, fields | typed)


def test_it_starts_one_run_from_one_form(operator: User) -> None:
    browser = Page(operator)
    fields = form(browser, "/", "/start/")
    first, again = (send(browser, "/start/", fields, input="List files") for _ in range(2))
    assert first.status_code == again.status_code == 302
    assert first.headers["Location"] == again.headers["Location"]
    assert Run.objects.count() == 1


def test_it_starts_another_run_for_other_words_or_from_another_form(operator: User) -> None:
    browser = Page(operator)
    fields = form(browser, "/", "/start/")
    send(browser, "/start/", fields, input="List files")
    assert send(browser, "/start/", fields, input="Something else").status_code == 302
    send(browser, "/start/", form(browser, "/", "/start/"), input="List files")
    assert Run.objects.count() == 3


def test_it_takes_any_key_and_none(operator: User) -> None:
    browser = Page(operator)
    fields = form(browser, "/", "/start/")
    for key in ("", "\x00" * 3, "k" * 10_000):
        assert send(browser, "/start/", fields, input="List files", key=key).status_code in (302, 400, 422)


def test_it_sends_one_message_from_one_form(operator: User, advance: Advance) -> None:
    run = advance(start(script({"text": "Done."})))
    browser, action = Page(operator), f"/threads/{run.thread_id}/send/"
    fields = form(browser, f"/threads/{run.thread_id}/", action)
    for _ in range(2):
        assert send(browser, action, fields, input="And now?").status_code == 302
    assert Thread.objects.get().runs.count() == 2


def test_it_runs_it_again_once(operator: User, advance: Advance) -> None:
    run = advance(start(script({"text": "Done."})))
    browser, action = Page(operator), f"/runs/{run.pk}/retry/"
    fields = form(browser, f"/runs/{run.pk}/", action)
    first, again = (send(browser, action, fields) for _ in range(2))
    assert first.headers["Location"] == again.headers["Location"] != f"/runs/{run.pk}/"
    assert Run.objects.count() == 2

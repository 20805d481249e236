"""The board and the list of runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from runtime import catalogue
from runtime.models import Approval, Run
from tests.web.conftest import Advance, Ask, Page, start, text_of

pytestmark = pytest.mark.django_db


def numbers(html: str) -> dict[str, str]:
    found = re.findall(r"<dt>([^<]+)</dt><dd>(?:<a[^>]*>)?([^<]*)", html)
    return dict(found)


def test_it_tells_a_newcomer_what_to_do(operator: User) -> None:
    html = text_of(Page(operator).get("/"))
    assert "No runs yet" in html
    assert "Nothing to decide" in html
    assert "No worker is running" in html
    assert "HARNESS_MODEL_BASE_URL" in html


def test_it_starts_a_run_and_opens_it(operator: User) -> None:
    answer = Page(operator).send("/", "/start/", input="List\r\nfiles", agent="direct")
    run = Run.objects.get()
    assert answer.headers["Location"] == f"/runs/{run.pk}/"
    assert run.request.request_json["input"] == "List\nfiles"
    assert (run.agent_id, run.requested_by) == ("direct", "olga")


def test_it_fills_in_an_example_without_a_script(operator: User) -> None:
    html = text_of(Page(operator).get("/"))
    example = re.search(r'class="chip" href="([^"]+)"', html)
    assert example
    filled = text_of(Page(operator).get("/" + example[1]))
    assert re.search(r"<textarea[^>]*>\nPlan: ", filled)


@pytest.mark.parametrize("text", ["", "   ", "a\x00b", "x" * 300_000])
def test_it_refuses_a_bad_input_with_a_sentence(operator: User, text: str) -> None:
    answer = Page(operator).send("/", "/start/", input=text)
    assert answer.status_code == 422
    assert 'role="alert"' in text_of(answer)
    assert not Run.objects.exists()


def test_it_announces_the_demonstration_model_as_long_as_it_answers(
    operator: User, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = "{provider: openai_compatible, base_url: 'http://127.0.0.1:9/v1', model: big}"
    head = "apiVersion: agent-harness/v1alpha1\nkind: Models\nmetadata: {name: ours}"
    (tmp_path / "models.yaml").write_text(f"{head}\nspec:\n  models:\n    real: {real}\n")
    settings.WORKSPACE_DIR = tmp_path
    catalogue.forget()
    try:
        assert {model["name"] for model in catalogue.current().list_models()} == {"default", "real"}
        assert "This is the demonstration model" in text_of(Page(operator).get("/"))
        monkeypatch.setenv("HARNESS_MODEL_BASE_URL", "http://127.0.0.1:9/v1")
        assert "demonstration model" not in text_of(Page(operator).get("/"))
    finally:
        settings.WORKSPACE_DIR = None
        catalogue.forget()


def test_it_offers_no_form_to_a_viewer(viewer: User) -> None:
    assert "/start/" not in text_of(Page(viewer).get("/"))


def test_it_counts_what_waits(reviewer: User, ask: Ask) -> None:
    approval = ask()
    start("later")
    html = text_of(Page(reviewer).get("/board/live/"))
    assert numbers(html) | {"Waiting for a person": "1", "Queued": "1", "Running": "0"} == numbers(html)
    assert f"/approvals/{approval.pk}/" in html


def test_it_links_the_failed_runs_that_it_counts(viewer: User) -> None:
    yesterday, today = (start(text).pk for text in ("before", "since"))
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    Run.objects.filter(pk=yesterday).update(state="failed", updated_at=midnight - timedelta(microseconds=1))
    Run.objects.filter(pk=today).update(state="failed", updated_at=midnight)
    board = text_of(Page(viewer).get("/board/live/"))
    link = re.search(r'Failed today</dt><dd><a href="([^"]+)">1</a>', board)
    assert link
    listed = text_of(Page(viewer).get(unescape(link[1])))
    assert f"r-{today}" in listed
    assert f"r-{yesterday}" not in listed


def test_it_filters_runs_by_state_agent_thread_and_text(viewer: User, advance: Advance) -> None:
    done = advance(start("what is 2 + 2?", agent="direct"))
    waiting = start("Bees & flowers", agent="orchestra")

    def listed(query: str) -> set[str]:
        html = text_of(Page(viewer).get(f"/runs/?{query}"))
        return {run.pk for run in (done, waiting) if f"r-{run.pk}" in html}

    assert listed("") == {done.pk, waiting.pk}
    assert listed("state=completed") == {done.pk}
    assert listed("agent=orchestra") == {waiting.pk}
    assert listed(f"thread={done.thread_id}") == {done.pk}
    assert listed("q=bees") == {waiting.pk}
    assert listed(f"q={done.pk}") == {done.pk}
    assert listed("q=nothing+like+it") == set()
    assert "No run fits these filters" in text_of(Page(viewer).get("/runs/?q=nothing"))


def test_it_reads_a_page_of_runs_with_few_queries(
    viewer: User, django_assert_max_num_queries: object
) -> None:
    for number in range(60):
        start(f"run {number}")
    browser = Page(viewer)
    with django_assert_max_num_queries(11):  # type: ignore[operator]
        html = text_of(browser.get("/runs/"))
    assert html.count('class="item run-row"') == 50
    assert "More" in html


def test_it_shows_the_workspace_without_keys(viewer: User) -> None:
    html = text_of(Page(viewer).get("/agents/"))
    for agent in catalogue.current().workspace.agents:
        assert agent in html
    for tool in catalogue.current().tools:
        assert tool in html
    assert "/admin/" not in html


def test_it_names_the_errors_of_a_broken_workspace(
    viewer: User, operator: User, break_workspace: Callable[[], None]
) -> None:
    break_workspace()
    assert "workspace.yaml" in text_of(Page(viewer).get("/agents/"))
    assert "The workspace cannot be read" in text_of(Page(operator).get("/"))


def test_it_keeps_what_was_typed_while_the_workspace_is_broken(
    operator: User, break_workspace: Callable[[], None]
) -> None:
    browser = Page(operator)
    thread = start("List files").thread_id
    break_workspace()
    for path, action in (("/", "/start/"), (f"/threads/{thread}/", f"/threads/{thread}/send/")):
        answer = browser.send(path, action, input="write <this> down")
        assert answer.status_code == 503
        html = text_of(answer)
        assert html.count("The workspace cannot be read, so nothing can be started: workspace.yaml") == 1
        assert "write &lt;this&gt; down</textarea>" in html
    assert Run.objects.count() == 1


def test_it_says_what_is_missing_in_words_of_a_person(operator: User) -> None:
    html = text_of(Page(operator).send("/", "/start/", input="  "))
    assert "Say first what the agent should do." in html
    html = text_of(Page(operator).send("/", "/start/", input="x" * 300_000))
    assert "What you wrote has 300000 bytes" in html


def test_it_shows_code_as_code_and_tools_that_do_not_work(
    viewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue, "missing", lambda: {"execute": "No `bwrap` <here>."})
    html = text_of(Page(viewer).get("/agents/"))
    assert "No <code>bwrap</code> &lt;here&gt;." in html
    assert "`" not in html


def test_lists_say_when_a_question_runs_out(viewer: User, ask: Ask) -> None:
    approval, browser = ask(), Page(viewer)
    for path in ("/", "/approvals/"):
        assert "expires" not in text_of(browser.get(path)).split("<main")[1], path
    for left, mark in ((timedelta(minutes=5, seconds=30), " near"), (timedelta(hours=3, seconds=30), "")):
        Approval.objects.filter(pk=approval.pk).update(expires_at=timezone.now() + left)
        for path in ("/", "/approvals/"):
            html = text_of(browser.get(path))
            words = re.search(r'<span class="expires([ \w]*)">expires <time [^>]*>in (\d \w+)</time>', html)
            assert words, path
            assert words.groups() == (mark, "5 min" if mark else "3 h")

"""The list of runs: facets, filters, rows; one act on many."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from runtime import actions, journal
from runtime.lifecycle import RunState, Why
from runtime.models import Run, search
from tests.web.conftest import Advance, Ask, Page, start, text_of

pytestmark = pytest.mark.django_db


def listed(user: User, query: str = "") -> str:
    return text_of(Page(user).get(f"/runs/?{query}"))


def facets(html: str) -> dict[str, int]:
    """The chips above the list."""
    found = re.findall(r'class="chip is-(\w+)[ \w]*"[^>]*>[^<]*<strong>(\d+)</strong>', html)
    return {name: int(count) for name, count in found}


def parked(title: str) -> Run:
    run = start(title)
    with journal.entry(run.pk, journal.claim(run.pk, "w", slots=99, lease_seconds=30)) as entry:
        entry.set(fault="rate_limited", model_attempts=1)
        later = datetime.now(UTC) + timedelta(minutes=5)
        entry.move(RunState.QUEUED, Why.NEXT_TRY, next_try_at=later)
    return run


def failed(title: str) -> Run:
    run = start(title)
    with journal.entry(run.pk, journal.claim(run.pk, "w", slots=99, lease_seconds=30)) as entry:
        entry.end(RunState.FAILED, Why.MODEL_FAILED, error="No.")
    return run


def test_a_search_says_how_many_it_finds_at_most(viewer: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MOST_RUNS", 2)
    for number in range(3):
        start(f"bees {number}")
    html = listed(viewer, "q=bees")
    assert "the 2 newest are found" in html
    assert html.count("bees ") == 2
    assert "newest are found" not in listed(viewer)
    monkeypatch.setattr(search, "MOST_RUNS", 8)
    assert "newest are found" not in listed(viewer, "q=bees"), "these are all"


class TestFacets:
    def test_it_counts_what_runs_wait_for(self, viewer: User, ask: Ask, advance: Advance) -> None:
        ask()
        parked("later")
        start("queued")
        advance(start("what is 2 + 2?"))
        counts = facets(listed(viewer))
        expected = {"moving": 0, "person": 1, "provider": 1, "slot": 1, "child": 0, "lost": 0, "doubt": 0}
        assert counts == expected

    def test_it_lists_the_runs_of_a_facet(self, viewer: User, ask: Ask) -> None:
        runs = {"person": ask().run, "provider": parked("later"), "slot": start("queued")}
        for facet in runs:
            html = listed(viewer, f"progress={facet}")
            assert {name for name, run in runs.items() if f"r-{run.pk}" in html} == {facet}

    def test_it_tells_in_the_row_what_the_state_does_not(self, viewer: User) -> None:
        parked("later")
        assert "waiting for a provider, next try in 4 min" in listed(viewer)

    def test_it_finds_a_run_whose_worker_is_lost(self, viewer: User) -> None:
        run = start("gone")
        journal.claim(run.pk, "w", slots=9, lease_seconds=30)
        Run.objects.filter(pk=run.pk).update(lease_until=5.0)
        assert f"r-{run.pk}" in listed(viewer, "progress=lost")
        assert "lost its worker" in listed(viewer)
        assert f"r-{run.pk}" not in listed(viewer, "progress=moving")

    @pytest.mark.parametrize("name", ["progress", "state"])
    def test_it_says_that_a_word_is_none_of_its_own(self, viewer: User, name: str) -> None:
        start("one")
        html = listed(viewer, f"{name}=nonsense")
        assert "No run fits these filters" in html
        assert f"There is no such {name}; there are " in html
        assert 'role="alert"' not in listed(viewer, "progress=slot&state=queued")

    @pytest.mark.parametrize(
        ("facet", "state", "kept"),
        [("slot", "failed", False), ("slot", "queued", True), ("provider", "queued", True),
         ("lost", "running", True), ("moving", "running", True), ("person", "running", False),
         ("child", "waiting_for_child", True), ("doubt", "in_doubt", True), ("doubt", "completed", False)],
    )  # fmt: skip
    def test_a_state_puts_a_chip_out_that_excludes_it(
        self, viewer: User, facet: str, state: str, kept: bool
    ) -> None:
        html = listed(viewer, f"progress={facet}&state={state}")
        assert (f'<input type="hidden" name="progress" value="{facet}">' in html) is kept
        assert bool(re.search(rf'class="chip is-{facet}[^>]*aria-current="true"', html)) is kept


class TestFilters:
    def test_it_finds_the_runs_of_a_state_behind_a_chip(self, viewer: User) -> None:
        run = failed("broke")
        assert f"r-{run.pk}" in listed(viewer, "progress=slot&state=failed")

    def test_it_says_that_the_times_are_crossed(self, viewer: User) -> None:
        start("one")
        said = "Since lies after until"
        assert said in listed(viewer, "since=2026-03-02T00:00&until=2026-03-01T00:00")
        assert said not in listed(viewer, "since=2026-03-01T00:00&until=2026-03-02T00:00")

    def test_it_filters_by_time(self, viewer: User) -> None:
        run = start("one")
        Run.objects.filter(pk=run.pk).update(updated_at=datetime(2026, 3, 1, 12, 30, tzinfo=UTC))
        assert f"r-{run.pk}" in listed(viewer, "since=2026-03-01T12:30&until=2026-03-01T12:31")
        assert f"r-{run.pk}" in listed(viewer, "since=2026-03-01T13:30%2B01:00")
        assert f"r-{run.pk}" not in listed(viewer, "until=2026-03-01T12:30")

    @pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "0001-01-01T00:00%2B14:00", "99999-01-01"])
    def test_it_says_that_a_time_is_none(self, viewer: User, text: str) -> None:
        start("one")
        assert "Since is no time" in listed(viewer, f"since={text}")

    def test_it_keeps_the_other_filters_in_a_facets_address(self, viewer: User) -> None:
        html = listed(viewer, "agent=direct&q=bees&state=failed")
        assert 'href="?agent=direct&amp;q=bees&amp;progress=person"' in html


class TestRows:
    def test_it_escapes_what_people_and_models_wrote(self, operator: User) -> None:
        run = start("<script>alert(1)</script> \u202e")
        Run.objects.filter(pk=run.pk).update(agent_id="<i>", requested_by='"><b>')
        html = listed(operator)
        for raw in ("<script>alert", "<i>", '"><b>', "\u202e"):
            assert raw not in html
        assert "U+202E" in html

    def test_it_offers_boxes_to_operators_alone(self, viewer: User, operator: User) -> None:
        start("one")
        assert 'form="bulk"' in listed(operator)
        assert 'form="bulk"' not in listed(viewer)
        assert 'id="bulk"' not in listed(viewer)


def question(user: User, act: str, query: str = "") -> str:
    return text_of(Page(user).get(f"/runs/{act}/?{query}"))


def do(user: User, act: str, query: str = "", **typed: str) -> str:
    """Answers the question with yes; gives the list that follows, with the message."""
    browser = Page(user)
    answer = browser.send(f"/runs/{act}/?{query}", f"/runs/{act}/now/", **typed)
    assert answer.status_code == 302
    return text_of(browser.get(answer.headers["Location"]))


class TestMany:
    def test_it_says_how_many_before_it_does_anything(self, operator: User) -> None:
        for number in range(3):
            start(f"run {number}")
        html = question(operator, "cancel")
        assert "Cancel 3 runs?" in html
        assert "No filter is set: these are all runs that have not ended." in html
        assert not Run.objects.filter(state="cancelled").exists()

    def test_it_cancels_what_fits_the_filters_and_returns_to_them(self, operator: User, ask: Ask) -> None:
        waiting, other = ask().run, start("other")
        html = do(operator, "cancel", "progress=person", reason="enough")
        assert "Cancelled: 1 run." in html
        assert 'aria-current="true">Waiting for a person' in html
        waiting.refresh_from_db()
        other.refresh_from_db()
        assert (waiting.state, other.state) == ("cancelled", "queued")
        assert waiting.state_reason == "cancelled by olga: enough"

    def test_it_cancels_the_ticked_runs_alone(self, operator: User, advance: Advance) -> None:
        runs = [start(f"run {number}") for number in range(3)]
        done = advance(start("what is 2 + 2?"))
        query = f"id={runs[0].pk}&id={runs[1].pk}&id={done.pk}&id=nothing&q=unfit"
        html = question(operator, "cancel", query)
        assert "Cancel 2 runs?" in html
        assert "2 of those ticked are left out" in html
        do(operator, "cancel", query)
        assert set(Run.objects.filter(state="cancelled").values_list("pk", flat=True)) == {
            runs[0].pk,
            runs[1].pk,
        }

    def test_it_decides_on_each_run_by_itself(self, operator: User, advance: Advance) -> None:
        first, second = start("one"), start("what is 2 + 2?")
        browser = Page(operator)
        browser.get("/runs/")
        token = browser.client.cookies["csrftoken"].value
        advance(second)  # while the question stood there
        form = {"ids": f"{first.pk} {second.pk} nothing", "csrfmiddlewaretoken": token}
        browser.post("/runs/cancel/now/", form)
        html = text_of(browser.get("/runs/"))
        assert "Cancelled: 1 run." in html
        assert (
            "Left as they are: 1 run (The run is completed already.), 1 run (There is no run nothing.)."
            in html
        )

    def test_it_runs_failed_ones_again_once(self, operator: User, advance: Advance) -> None:
        old = failed("broke")
        advance(start("what is 2 + 2?"))
        browser = Page(operator)
        html = text_of(browser.get("/runs/retry/"))
        assert "Run again 1 run?" in html
        form = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', html))
        for _ in range(2):  # a double click, or the browser's "send again"
            assert browser.post("/runs/retry/now/", form).status_code == 302
        assert [run.pk for run in old.retries.all()] == [Run.objects.order_by("-pk")[0].pk]

    def test_it_leaves_out_what_was_run_again_already(self, operator: User) -> None:
        old, other = failed("broke"), failed("broke, too")
        do(operator, "retry", f"id={old.pk}")
        html = question(operator, "retry")
        assert "Run again 1 run?" in html
        assert f"/runs/{other.pk}/" in html
        assert "Those that were run again already are left out" in html
        html = question(operator, "retry", f"id={old.pk}&id={other.pk}")
        assert "Run again 2 runs?" in html
        assert "1 of them was run again already" in html

    def test_it_runs_completed_ones_again_when_they_are_ticked(
        self, operator: User, advance: Advance
    ) -> None:
        done = advance(start("what is 2 + 2?"))
        assert "Started again: 1 run." in do(operator, "retry", f"id={done.pk}")

    def test_it_says_that_none_fits(self, operator: User) -> None:
        html = question(operator, "cancel", "q=nothing")
        assert "None of these runs can be cancelled" in html
        assert "<h1>No run to cancel</h1>" in html
        assert "None of these runs can be run again" in question(operator, "retry")

    def test_it_takes_a_bounded_number_at_once(self, operator: User, monkeypatch: Any) -> None:
        for number in range(4):
            start(f"run {number}")
        monkeypatch.setattr(actions, "MOST_RUNS", 3)
        html = question(operator, "cancel")
        assert "Cancel 3 runs?" in html
        assert "4 fit; the 3 that changed last come first" in html

    def test_it_refuses_a_form_with_too_many(self, operator: User) -> None:
        run = start("one")
        many = " ".join(["x" + str(number) for number in range(300)] + [run.pk])
        html = do(operator, "cancel", ids=many)
        assert "300 runs are too many" in html or "301 runs are too many" in html
        assert Run.objects.get().state == "queued"

    def test_it_does_nothing_without_a_run(self, operator: User) -> None:
        start("one")
        assert "No run was named; nothing was changed." in do(operator, "cancel", ids=" ")

    def test_it_shows_the_question_to_a_viewer_without_the_form(self, viewer: User) -> None:
        start("one")
        html = question(viewer, "cancel")
        assert "An operator can do this." in html
        assert "/runs/cancel/now/" not in html

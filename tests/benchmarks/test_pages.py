"""The benchmark `pages`, and the records that it fills a database with."""

from __future__ import annotations

import pytest

from runtime.benchmarks.filling.fill import fill
from runtime.benchmarks.filling.originals import ACTIVE, WORD
from runtime.benchmarks.pages.addresses import addresses
from runtime.models import Approval, Event, Run, Thread, ThreadMessage, ToolCall
from tests.benchmarks.conftest import Benchmark

FEW = dict.fromkeys(ACTIVE, 3)


def test_it_compares_every_page_over_few_and_many_records(benchmark: Benchmark) -> None:
    words = ("--few", "100", "--runs", "400", "--pending", "60", "--times", "1", "--rounds", "3")
    found = benchmark("pages", *words)
    figures = found["figures"]
    for name in ("runs", "runs_deep", "runs_person", "run_ended", "approvals", "board", "admin_run"):
        assert len(figures[f"{name}_ratio"]["rounds"]) == 3
        assert 0 < figures[f"{name}_p50"]["value"] <= figures[f"{name}_p95"]["value"]
    assert figures["list_to_plain_many"]["value"] > 0
    assert "and 61 approvals that wait" in found["text"]


@pytest.mark.parametrize("words", [("--few", "10"), ("--few", "200", "--runs", "100")])
def test_it_refuses_sizes_that_cannot_be_compared(benchmark: Benchmark, words: tuple[str, ...]) -> None:
    assert "--few must be" in benchmark.refused("pages", *words)


def test_it_asks_for_room_before_it_fills_the_disk(benchmark: Benchmark) -> None:
    assert "GB of disk" in benchmark.refused("pages", "--runs", str(10**12))


@pytest.mark.django_db(transaction=True)
class TestFill:
    def test_it_makes_records_that_belong_together(self) -> None:
        filled = fill(200, FEW)
        assert (filled.runs, filled.events) == (210, Event.objects.count())
        assert Thread.objects.count() == Run.objects.count() == 210
        for run in Run.objects.exclude(state="cancelled"):
            assert Event.objects.filter(run=run, thread_id=run.thread_id).count() == run.last_sequence
            kinds = [event.body["sequence"] for event in Event.objects.of_run(run.pk)]
            assert kinds == list(range(1, run.last_sequence + 1))
        for call in ToolCall.objects.select_related("message"):
            assert call.message.run_id == call.run_id
        for approval in Approval.objects.select_related("tool_call"):
            assert approval.tool_call.run_id == approval.run_id

    def test_no_two_have_the_same_key_word_or_time(self) -> None:
        fill(100, FEW)
        titles = set(Run.objects.values_list("title", flat=True))
        assert len(titles) == 101  # the originals share theirs
        assert any(f"{WORD[:-7]}0000100" in title for title in titles)
        assert Run.objects.values("created_at").distinct().count() == 110

    def test_they_are_found_and_guarded_as_all_others(self) -> None:
        fill(50, FEW)
        assert Run.objects.all().matching(q=f"{WORD[:-7]}0000050").count() == 1
        with pytest.raises(Exception, match="append-only"):
            Event.objects.filter(sequence=1).update(type="tool.started")
        message = ThreadMessage.objects.order_by("-id")[0]
        copy = ThreadMessage(thread_id=message.thread_id, role="user", content_json={}, run_id=message.run_id)
        copy.save()
        assert copy.pk > message.pk

    def test_the_word_that_is_looked_for_is_that_of_one_run(self) -> None:
        fill(100, FEW)
        for page in ("runs_search", "threads_search"):
            word = addresses()[page].partition("?q=")[2]
            assert Run.objects.all().matching(q=word).count() == 1, page

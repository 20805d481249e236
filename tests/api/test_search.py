"""`GET /runs?q=`: words of input, output and ids, by index."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection

from runtime import actions
from runtime.models import Run, search
from runtime.models.search import match_expression, text_query
from tests.api.conftest import BOT, Caller, json_of

Advance = Callable[[Run], Run]


@pytest.fixture
def find(reading: Caller) -> Callable[[str], list[str]]:
    """The ids of the runs that a search finds."""

    def ask(q: str) -> list[str]:
        return [item["run_id"] for item in json_of(reading.get("/runs", q=q))["items"]]

    return ask


Find = Callable[[str], list[str]]


def start(text: str) -> str:
    return actions.start_run(BOT, text, agent="direct").run_id


def test_it_finds_words_of_the_input(find: Find) -> None:
    invoice, other = start("Rechnung prüfen: ACME-2041"), start("nothing of the kind")
    assert find("rechnung") == [invoice]
    assert find("PRUFEN") == [invoice]
    assert find("rechn") == [invoice]
    assert find("rechnung acme-2041") == [invoice]
    assert find("rechnung kind") == []
    assert find("kind") == [other]


@pytest.mark.sqlite
def test_it_looks_for_beginnings_when_whole_words_are_few(
    find: Find, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two, other = start("ship one"), start("ship two"), start("shipped three")
    assert sorted(find("ship")) == [one, two, other]
    assert find("shipp") == [other]
    monkeypatch.setattr(search, "MOST_RUNS", 2)
    assert sorted(find("ship")) == [one, two]
    assert find("shipp") == [other]


def test_it_finds_what_is_old(find: Find, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MOST_RUNS", 2)
    old = start("bees and flowers")
    for number in range(5):
        start(f"something else {number}")
    assert find("bees") == find("flow") == [old]
    assert find("else")  # many: the newest


def test_it_finds_words_of_the_output(find: Find, advance: Advance) -> None:
    run = advance(actions.start_run(BOT, "what is 20 + 3", agent="direct"))
    assert run.output is not None
    assert "23" in run.output
    assert find("23") == [run.run_id]


def test_it_finds_ids(find: Find) -> None:
    run_id = start("one")
    start("two")
    thread_id = Run.objects.get(pk=run_id).thread_id
    assert find(run_id) == [run_id]
    assert find(thread_id) == [run_id]


def test_it_goes_with_other_filters_and_pages(reading: Caller, find: Find) -> None:
    made = [start(f"common text {number}") for number in range(3)]
    page = json_of(reading.get("/runs", q="common", state="queued", limit=2))
    rest = json_of(reading.get("/runs", q="common", state="queued", limit=2, cursor=page["next_cursor"]))
    found = [item["run_id"] for item in page["items"] + rest["items"]]
    assert found == list(reversed(made))
    assert json_of(reading.get("/runs", q="common", state="failed"))["items"] == []


@pytest.mark.parametrize(
    "text",
    [
        '"',
        '""',
        "*",
        "a OR",
        "AND",
        "NEAR(",
        "input:x",
        "-x",
        "^",
        "(",
        "--",
        "a\nb",
        "😀",
        "'",
        "x" * 200,
        "a " * 100,
    ],
)
def test_it_takes_no_query_language(find: Find, text: str) -> None:
    start("quite different")
    assert find(text) == []


def test_it_quotes_every_word() -> None:
    assert match_expression('a "b c') == '"a" """b" "c"*'
    assert match_expression(" ") == '""'
    assert text_query("Ä 'b c-D") == "'a' & 'b' & 'c' & 'd':*"
    assert text_query(" '") == ""


def test_it_refuses_an_empty_or_endless_search(reading: Caller) -> None:
    for q in ("", "x" * 201, "\x00"):
        assert list(json_of(reading.get("/runs", q=q), 422)["errors"]) == ["q"]


def test_it_forgets_what_is_gone(find: Find) -> None:
    run_id = start("soon forgotten")
    Run.objects.get(pk=run_id).thread.delete()
    assert find("forgotten") == []
    with connection.cursor() as cursor:
        for table in ("run_search", "run_search_ids") if connection.vendor == "sqlite" else ("run_search",):
            cursor.execute(f"SELECT count(*) FROM {table}")
            assert cursor.fetchone()[0] == 0


def test_it_finds_a_run_that_came_with_its_output(find: Find) -> None:
    first = Run.objects.get(pk=start("one"))
    Run.objects.create(
        thread=first.thread,
        agent_id="x",
        execution_mode="x",
        state="completed",
        position=2,
        output="brought along",
    )
    assert len(find("brought")) == 1

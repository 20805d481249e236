"""What goes wrong inside of the server shows a named state and gives nothing away."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from django.db import OperationalError, connection

from runtime.models import Run
from tests.api.conftest import API, PROBLEM, Caller, json_of

SECRET = "do-not-tell"


def failing(error: Exception, table: str) -> Any:
    """Makes the database fail in every statement about a table."""

    def execute(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if f'"{table}"' in sql:
            raise error
        return execute(sql, params, many, context)

    return connection.execute_wrapper(execute)


@pytest.mark.parametrize(
    ("reason", "status", "retry"),
    [("database is locked", 503, "1"), ("disk I/O error", 503, "1"), ("database or disk is full", 507, "30")],
)
def test_it_names_a_database_that_cannot_be_used(
    operating: Caller, reason: str, status: int, retry: str
) -> None:
    operating.get("/runs")
    with failing(OperationalError(reason), "threads"):
        answers = [operating.get("/threads"), operating.post("/runs", {"input": "list files"})]
    for answer in answers:
        assert "nothing was changed" in json_of(answer, status)["detail"]
        assert answer.headers["Retry-After"] == retry


def test_it_says_so_when_even_tokens_cannot_be_read(reading: Caller) -> None:
    with failing(OperationalError("database is locked"), "service_accounts"):
        assert reading.get("/runs").status_code == 503


def test_it_gives_nothing_away(reading: Caller, run: Run, caplog: pytest.LogCaptureFixture) -> None:
    with failing(RuntimeError(SECRET), "threads"):
        answer: Any = reading.client.get(f"{API}/threads", headers=reading.headers)
    assert answer.status_code == 500
    assert answer.headers["Content-Type"] == PROBLEM
    assert SECRET not in answer.content.decode()
    assert (
        orjson.loads(answer.content)["detail"] == "Something went wrong in the server; its log has the cause."
    )
    assert SECRET in caplog.text  # for the administrator


def test_it_keeps_answers_out_of_caches(reading: Caller, nobody: Caller) -> None:
    for answer in (reading.get("/runs"), nobody.get("/runs"), reading.get("/nothing")):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]

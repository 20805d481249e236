"""`/metrics`: who may ask, what it says, how it is written."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from runtime import access, journal
from runtime.api.exposition import render
from runtime.events import EventType
from runtime.lifecycle import RunState
from runtime.models import ServiceAccount
from runtime.upkeep import health
from runtime.upkeep.metrics import Metric, Values

LINE = re.compile(r"harness_[a-z_]+(\{[a-z_]+=\"[^\"]*\"(,[a-z_]+=\"[^\"]*\")*\})? -?[0-9.e+-]+")


def ask(client: Client, token: str | None = None) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return client.get("/metrics", headers=headers)


def figures(client: Client, token: str) -> dict[str, float]:
    """`name{labels}` → value."""
    answer = ask(client, token)
    assert answer.status_code == 200
    lines = [line for line in answer.content.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


@pytest.fixture
def token(db: None) -> str:
    health.forget()
    return access.make_token("prometheus", ["viewer"])


def work() -> None:
    """One run that ended after a retried call, one that is queued."""
    for _ in range(2):
        new = journal.NewRun(input="x", agent_id="direct", execution_mode="one_step", resolved={})
        run = journal.create_run(new)
    lease = journal.claim(run.run_id, "w1", slots=9, lease_seconds=30)
    assert lease is not None
    with journal.entry(run.run_id, lease) as entry:
        entry.note(EventType.MODEL_RETRIED, call=1, model='a "b"\n', error="Slow.", fault="rate_limited")
        usage = {"input_tokens": 11, "output_tokens": 7}
        entry.note(EventType.MODEL_COMPLETED, call=1, model="m", usage=usage, duration_ms=700)
        entry.end(RunState.COMPLETED, "done")
    health.Sampler().sample(datetime.now(UTC) + timedelta(seconds=3))


def test_it_needs_a_token(client: Client, token: str) -> None:
    assert ask(client).status_code == 401
    assert ask(client, "hrn_" + "x" * 43).status_code == 401
    assert ask(client, token).status_code == 200
    ServiceAccount.objects.update(roles=[])
    assert ask(client, token).status_code == 404


def test_it_takes_the_token_of_any_role(client: Client, db: None) -> None:
    for role in access.ROLES:
        assert ask(client, access.make_token(role, [role])).status_code == 200


def test_it_rejects_post(client: Client, token: str) -> None:
    assert client.post("/metrics", headers={"Authorization": f"Bearer {token}"}).status_code == 405


def test_every_line_can_be_read(client: Client, token: str) -> None:
    work()
    answer = ask(client, token)
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    text = answer.content.decode()
    names = re.findall(r"^# TYPE (\S+) (counter|gauge|histogram)$", text, re.MULTILINE)
    assert len(names) == len(set(names)) == text.count("# HELP harness_")
    for line in text.splitlines():
        assert line.startswith("# ") or LINE.fullmatch(line.replace('\\"', "")), line


def test_it_tells_what_happened(client: Client, token: str) -> None:
    work()
    found = figures(client, token)
    assert found['harness_runs{state="queued"}'] == 1
    assert found['harness_runs_ended_total{state="completed"}'] == 1
    assert found['harness_model_calls_total{model="m",outcome="completed"}'] == 1
    assert found['harness_model_faults_total{model="a \\"b\\"\\n",fault="rate_limited"}'] == 1
    assert found['harness_model_tokens_total{model="m",direction="input"}'] == 11
    assert found['harness_model_call_seconds_bucket{model="m",le="0.5"}'] == 0
    assert found['harness_model_call_seconds_bucket{model="m",le="1"}'] == 1
    assert found['harness_model_call_seconds_sum{model="m"}'] == 0.7
    assert found["harness_events_total"] >= 7
    assert found["harness_streams_open"] == 0
    assert found["harness_queue_age_seconds"] >= 0
    assert found['harness_health_check{check="database"}'] == 0


def test_it_asks_few_questions_however_much_there_is(client: Client, token: str) -> None:
    work()
    ask(client, token)
    with CaptureQueriesContext(
        connection,
    ) as few:
        ask(client, token)
    for _ in range(5):
        work()
    with CaptureQueriesContext(connection) as many:
        ask(client, token)
    assert len(many) == len(few) < 20


def test_it_writes_the_text_format() -> None:
    plain = Metric("x", "gauge", "One\nline with \\.", ("a",), lambda _: {})
    times = Metric("y_seconds", "histogram", "Times.", (), lambda _: {}, (0.5, 10))
    found: Values = {(): {"buckets": [1, 2], "count": 3, "sum": 21.5}}
    assert render([(plain, {('"\\\n\ud800',): 2.5}), (times, found)]) == (
        "# HELP harness_x One\\nline with \\\\.\n"
        "# TYPE harness_x gauge\n"
        'harness_x{a="\\"\\\\\\n?"} 2.5\n'
        "# HELP harness_y_seconds Times.\n"
        "# TYPE harness_y_seconds histogram\n"
        'harness_y_seconds_bucket{le="0.5"} 1\n'
        'harness_y_seconds_bucket{le="10"} 2\n'
        'harness_y_seconds_bucket{le="+Inf"} 3\n'
        "harness_y_seconds_sum 21.5\n"
        "harness_y_seconds_count 3\n"
    )

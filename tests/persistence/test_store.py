"""How the store is asked, locked and guarded."""

from __future__ import annotations

import sqlite3
import threading
import time
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import connection, connections, models
from django.test import Client

from harness_site.databases import WAIT_SECONDS
from runtime import actions
from runtime.journal.transaction import unit
from runtime.models import Approval, Event, Run, ThreadMessage
from runtime.redaction import REDACTED
from tests.api.conftest import BOT, Caller, caller_with, json_of
from tests.persistence.conftest import Advance, new_run
from tests.product import script

pytestmark = pytest.mark.django_db

LISTS = ["/runs", "/threads", "/approvals", "/agents", "/tools", "/models"]
KEY = "kq-Vz81-unlike-anything-else"


@pytest.mark.parametrize("path", ["/runs", "/threads"])
def test_defect_14__a_list_gives_a_page_and_where_the_next_begins(reading: Caller, path: str) -> None:
    for _ in range(3):
        new_run()
    first = json_of(reading.get(path, limit=2))
    second = json_of(reading.get(path, limit=2, cursor=first["next_cursor"]))
    assert [len(page["items"]) for page in (first, second)] == [2, 1]
    assert second["next_cursor"] is None


def test_defect_14__a_list_can_be_filtered(reading: Caller) -> None:
    mine = new_run(agent_id="orchestra")
    new_run()
    for given in ({"agent": "orchestra"}, {"thread": mine.thread_id}, {"state": "queued", "q": mine.run_id}):
        assert [item["run_id"] for item in json_of(reading.get("/runs", **given))["items"]] == [mine.run_id]
    assert json_of(reading.get("/runs", state="failed"))["items"] == []


def test_defect_15__every_foreign_key_has_an_index() -> None:
    bare = []
    with connection.cursor() as cursor:
        for model in apps.get_app_config("runtime").get_models():
            table = model._meta.db_table
            found = connection.introspection.get_constraints(cursor, table).values()
            led = {
                c["columns"][0]
                for c in found
                if c["columns"] and (c["index"] or c["unique"] or c["primary_key"])
            }
            keys = [f.column for f in model._meta.local_fields if isinstance(f, models.ForeignKey)]
            bare += [f"{table}.{column}" for column in keys if column not in led]
    assert bare == []


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("limit", ["-1", "0", "201", "1e9", ""])
def test_defect_16__a_limit_is_between_1_and_200(reading: Caller, path: str, limit: str) -> None:
    assert reading.get(path, limit=limit).status_code == 422


@pytest.mark.django_db(transaction=True)
def test_defect_17__a_writer_at_work_keeps_no_reader_waiting() -> None:
    run = new_run()
    reading = caller_with("viewer")
    inside, enough = threading.Event(), threading.Event()

    def write() -> None:
        with unit():
            Run.objects.filter(pk=run.pk).update(title="under way")
            inside.set()
            enough.wait(30)
        connections.close_all()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert inside.wait(30)
        began = time.monotonic()
        found = json_of(reading.get(f"/runs/{run.run_id}"))
        assert found["state"] == "queued"
        assert time.monotonic() - began < WAIT_SECONDS / 2, "only a writer waits"
    finally:
        enough.set()
        writer.join()


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_defect_17__a_transaction_takes_the_writers_place_at_its_start() -> None:
    other = sqlite3.connect(connection.settings_dict["NAME"], timeout=0, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("ROLLBACK")
    with unit(), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    other.close()


@pytest.mark.django_db(transaction=True)
def test_defect_18__a_secret_is_not_stored(advance: Advance, monkeypatch: pytest.MonkeyPatch) -> None:
    run = actions.start_run(BOT, script({"text": f"The key is {KEY}."}))
    monkeypatch.setenv("HARNESS_MODEL_API_KEY", KEY)
    run = advance(run)
    assert run.output == f"The key is {REDACTED}."
    said = [*Event.objects.filter(run=run).values_list("event_json", flat=True)]
    said += [m.text for m in ThreadMessage.objects.filter(run=run, role="assistant")]
    assert not [text for text in said if KEY in text]
    with pytest.raises(actions.Invalid, match="contains a secret"):
        actions.start_run(BOT, f"use {KEY}")


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("viewer", set()),
        ("operator", {"start", "cancel"}),
        ("reviewer", {"decide"}),
        ("administrator", {"start", "cancel", "decide"}),
    ],
)
def test_defect_19__each_role_does_what_is_its_own(
    approval: Approval, run: Run, role: str, allowed: set[str]
) -> None:
    caller = caller_with(role)
    assert caller.get(f"/runs/{run.run_id}").status_code == 200
    body = {"decision": "approve", "digest": approval.digest}
    acts: dict[str, Any] = {
        "start": lambda: caller.post("/runs", {"input": "hello"}),
        "decide": lambda: caller.post(f"/approvals/{approval.pk}/decision", body),
        "cancel": lambda: caller.post(f"/runs/{run.run_id}/cancel"),
    }
    answers = {name: act().status_code for name, act in acts.items()}
    assert {name for name, status in answers.items() if status < 300} == allowed
    assert {status for name, status in answers.items() if name not in allowed} <= {403}


def test_defect_19__nobody_sees_anything_without_a_role(approval: Approval, outsider: User) -> None:
    path = f"/api/v1/runs/{approval.run_id}"
    browser = Client()
    assert browser.get(path).status_code == 401
    browser.force_login(outsider)
    assert browser.get(path).status_code == 404

"""No secret is recorded: whatever the model or a tool does with it, it is in no row, no event and no log."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection

from runtime import journal
from runtime.models import Approval, Event, Run, ToolCall
from runtime.redaction import REDACTED
from tests import openai_server
from tests.engine.conftest import call, script, start
from tests.journal.conftest import verdict
from tests.openai_server import Answer, OpenAIServer

# Real commits: the heartbeat looks at the run from a connection of its own.
pytestmark = pytest.mark.django_db(transaction=True)

Advance = Callable[[Run], Run]
KEY = 'kq-Vz81/b+"Wm0-unlike-anything-else'
FORMS = {
    "plain": KEY,
    "json": json.dumps(KEY)[1:-1],
    "url": quote(KEY, safe=""),
    "base64": base64.b64encode(KEY.encode()).decode(),
}
LOOKS_SECRET = "ghp_abcdefghij0123456789abcdefghij012345"


@pytest.fixture(autouse=True)
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenAIServer]:
    """An endpoint that is reached with the key."""
    # A header cannot hold every character that a secret may have.
    with openai_server.running() as server:
        monkeypatch.setenv("HARNESS_MODEL_BASE_URL", server.base_url)
        monkeypatch.setenv("HARNESS_MODEL_API_KEY", KEY)
        yield server


@pytest.fixture(autouse=True)
def nowhere(model: OpenAIServer, caplog: pytest.LogCaptureFixture, capfd: Any) -> Iterator[None]:
    """After each test: the bytes of the database and of what was logged hold no form of the key."""
    caplog.set_level("DEBUG")
    yield
    written = stored()
    assert b"run.created" in written, "the bytes are those of the records"
    printed = "".join(capfd.readouterr())
    events = "".join(json.dumps(event.body) for event in Event.objects.all())
    for name, form in FORMS.items():
        for part in (form, form[:-2], form[2:]):
            assert part.encode() not in written, name
            assert part not in caplog.text, name
            assert part not in printed, name
            assert part not in events, name


def stored() -> bytes:
    """All that the database holds: the bytes of its files, or every row of every table."""
    if connection.vendor == "sqlite":
        files = Path(connection.settings_dict["NAME"]).parent.glob("test.sqlite*")
        return b"".join(path.read_bytes() for path in sorted(files))
    values: list[Any] = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            values += [value for row in cursor.fetchall() for value in row]
    return b"\n".join(bytes(v) if isinstance(v, memoryview) else str(v).encode() for v in values)


def streamed(run: Run) -> str:
    pieces = [e.body["text"] for e in Event.objects.of_run(run.run_id) if e.type == "output.delta"]
    return "".join(pieces)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("piece", [1, 7, 10_000])
def test_it_keeps_a_key_that_the_model_says_out_of_the_records(
    model: OpenAIServer, advance: Advance, form: str, piece: int
) -> None:
    model.answer(Answer(text=f"The key is {FORMS[form]}, I think.", piece=piece, pause=0.005))
    run = advance(start("go"))
    assert (run.state, run.output) == ("completed", f"The key is {REDACTED}, I think.")
    assert run.messages.get(role="assistant").text == run.output
    assert streamed(run) == run.output
    assert model.requests[0].headers["authorization"] == f"Bearer {KEY}", "it is still used"


def test_it_shows_no_half_of_a_key_when_the_reply_breaks_off(model: OpenAIServer, advance: Advance) -> None:
    model.answer(Answer(text=f"The key is {KEY[:-3]}", piece=4, finish_reason="none"))
    run = advance(start("go"))
    assert run.state == "failed"
    assert streamed(run) == f"The key is {REDACTED}"


@pytest.mark.parametrize("form", FORMS)
def test_it_keeps_a_key_in_an_error_out_of_the_records(
    model: OpenAIServer, advance: Advance, form: str
) -> None:
    model.answer(Answer(status=401, text=f"Incorrect API key provided: {FORMS[form]} {LOOKS_SECRET}"))
    run = advance(start("go"))
    assert run.state == "failed"
    assert run.error is not None
    assert f"{REDACTED} {REDACTED}" in run.error
    assert LOOKS_SECRET not in run.error


def test_it_keeps_a_key_in_the_names_of_a_reply_out_of_the_records(
    model: OpenAIServer, advance: Advance
) -> None:
    odd: dict[str, Any] = {"name": f"tool-{KEY}", "id": f"id-{KEY}", "arguments": {}}
    model.answer(Answer(tool_calls=[odd], model=f"model-{KEY}"), Answer(text="Sorry."))
    run = advance(start("go"))
    assert run.state == "completed"
    assert ToolCall.objects.get().tool_name == f"tool-{REDACTED}"


@pytest.mark.parametrize("form", FORMS)
def test_it_refuses_a_call_whose_arguments_hold_a_key(
    model: OpenAIServer, advance: Advance, form: str
) -> None:
    wanted = {"name": "write_file", "arguments": {"path": "a", "content": f"key: {FORMS[form]}"}}
    model.answer(Answer(tool_calls=[wanted], piece=3), Answer(text="I see."))
    run = advance(start("go"))
    assert (run.state, run.output) == ("completed", "I see.")
    refused = ToolCall.objects.get()
    assert (refused.state, refused.started_at) == ("refused", None)
    assert refused.arguments == {"path": "a", "content": f"key: {REDACTED}"}
    assert not Approval.objects.exists()
    told = model.requests[1].body["messages"]
    assert "secret of this installation" in told[-1]["content"]
    assert json.loads(told[-2]["tool_calls"][0]["function"]["arguments"]) == refused.arguments
    assert not (run.thread.folder / "files" / "a").exists()


@pytest.mark.parametrize(
    "raw",
    [
        json.dumps({"path": KEY, "content": 7}),
        json.dumps({KEY: "a"}),
        '{"path": "a", "content": "' + KEY.replace("W", "\\u0057").replace('"', '\\"') + '"}',
        '{"path": "a", "content": ' + json.dumps(KEY),
        "[" + json.dumps(KEY) + "]",
        json.dumps(KEY),
    ],
)
def test_it_stores_no_key_of_a_call_that_is_malformed_too(
    model: OpenAIServer, advance: Advance, raw: str
) -> None:
    model.answer(Answer(tool_calls=[{"name": "write_file", "arguments": raw}]), Answer(text="Sorry."))
    run = advance(start("go"))
    assert run.state == "completed"
    refused = ToolCall.objects.get()
    assert refused.state == "refused"
    assert REDACTED in refused.raw_arguments
    assert isinstance(json.loads(refused.raw_arguments), dict)


def test_it_keeps_a_key_in_a_tools_result_out_of_the_records(model: OpenAIServer, advance: Advance) -> None:
    read = {"name": "read_file", "arguments": {"path": "notes.txt"}}
    model.answer(Answer(tool_calls=[read]), Answer(text="Read."))
    run = start("go")
    folder = run.thread.folder / "files"
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text(f"{KEY}\n{LOOKS_SECRET}\nplain words\n")
    advance(run)
    assert run.state == "completed"
    result = run.messages.get(role="tool").text
    assert result.count(REDACTED) == 2
    assert "plain words" in result
    assert model.requests[1].body["messages"][-1]["content"] == result


def test_it_keeps_what_looks_secret_out_of_a_tools_error(model: OpenAIServer, advance: Advance) -> None:
    read = {"name": "read_file", "arguments": {"path": LOOKS_SECRET}}
    model.answer(Answer(tool_calls=[read]), Answer(text="Oh."))
    run = advance(start("go"))
    assert ToolCall.objects.get().arguments == {"path": LOOKS_SECRET}, "what runs is what was shown"
    told = run.messages.get(role="tool").text
    assert REDACTED in told
    assert LOOKS_SECRET not in told


def test_it_leaves_what_people_and_models_say_as_it_is_where_it_only_looks_secret(
    model: OpenAIServer, advance: Advance
) -> None:
    model.answer(Answer(text=f"You gave me {LOOKS_SECRET}."))
    run = advance(start(f"use {LOOKS_SECRET}"))
    assert model.requests[0].body["messages"][-1]["content"] == f"use {LOOKS_SECRET}"
    assert run.output == f"You gave me {LOOKS_SECRET}."


def test_it_does_not_run_a_call_that_was_granted_before_its_words_were_a_secret(
    model: OpenAIServer, advance: Advance, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = "not-a-secret-until-now"
    model.answer(
        Answer(tool_calls=[{"name": "write_file", "arguments": {"path": "a", "content": later}}]),
        Answer(text="I see."),
    )
    run = advance(start("go"))
    approval = Approval.objects.get(run=run)
    journal.settle(approval.approval_id, verdict(approval, "approve"))
    monkeypatch.setenv("HARNESS_MODEL_API_KEY", later)
    advance(run)
    assert run.state == "completed"
    assert ToolCall.objects.get().state == "refused"
    assert not (run.thread.folder / "files" / "a").exists()


def test_it_knows_the_key_that_signs_sessions(advance: Advance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HARNESS_MODEL_BASE_URL")
    secret = settings.SECRET_KEY
    said = script({"tool_calls": [call("ls", path=secret)]}, {"text": f"<{secret}>"})
    run = advance(start(said))
    assert run.output == f"<{REDACTED}>"
    assert ToolCall.objects.get().state == "refused"

"""A model server that fails in every way, over a real socket, under the whole product: what passes by itself
is tried again, the rest ends the run with a sentence, and no call of a broken reply is ever proposed."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest

from runtime.benchmarks.torture.stories import append
from tests import openai_server
from tests.crash.place import Place, installed
from tests.crash.test_worker_points import HEAD
from tests.openai_server import Answer, OpenAIServer

pytestmark = pytest.mark.usefixtures("shell")
CALL = append("never")
HELLO = json.dumps({"choices": [{"delta": {"content": "Hello"}}]})
FINE = Answer(text="fine")

#: What the server does, and how the run ends; the last answer is then repeated by an echo.
PASSING = {
    "reset before anything": [Answer(reset="before"), FINE],
    "busy": [Answer(status=429, headers={"Retry-After": "1"}), FINE],
    "twice down": [Answer(status=500), Answer(status=503, body="<html>Down</html>"), FINE],
    "silent": [Answer(first_byte=30.0), FINE],
}
LASTING = {
    "down": [Answer(status=500)] * 3,
    "cut in the middle": [Answer(text="Hello you", reset="middle")],
    "cut in a call": [Answer(tool_calls=[CALL], reset="middle")],
    "without an end": [Answer(tool_calls=[CALL], finish_reason="none")],
    "stalled": [Answer(events=[f"data: {HELLO}\n\n", ""], pause=30.0)],
    "garbage": [Answer(events=["data: {not json}\n\n"])],
    "a page": [Answer(body="<html><b>Welcome</b></html>")],
    "refused": [Answer(status=401)],
}


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def workspace(base_url: str) -> dict[str, str]:
    """Two agents: one on that server, one on a port where nobody listens. They do not wait for long."""
    there = {"provider": "openai_compatible", "base_url": base_url, "model": "m"}
    nowhere = {**there, "base_url": f"http://127.0.0.1:{closed_port()}/v1"}
    spec = {
        "retry": {"base_seconds": 0.1},
        "timeouts": {"model_first_byte_seconds": 1, "model_idle_seconds": 1},
    }
    found = {
        "workspace.yaml": HEAD.format("Workspace", "faults") + json.dumps(spec),
        "models.yaml": HEAD.format("Models", "faults")
        + json.dumps({"models": {"there": there, "nowhere": nowhere}}),
    }
    for name in ("there", "nowhere"):
        agent = {"model": name, "tools": ["*"]}
        found[f"agents/{name}.yaml"] = HEAD.format("Agent", name) + json.dumps(agent)
    return found


@pytest.fixture(scope="module")
def model() -> Iterator[OpenAIServer]:
    with openai_server.running() as server:
        yield server


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, model: OpenAIServer) -> Iterator[Place]:
    """At the end the oracle looks at everything that was left."""
    with installed(tmp_path_factory.mktemp("faults"), workspace=workspace(model.base_url)) as made:
        made.fleet.start_all()
        yield made
        assert made.violations() == []


@pytest.mark.parametrize("case", list(PASSING))
def test_it_tries_again_what_passes(place: Place, model: OpenAIServer, case: str) -> None:
    model.forget()
    model.answer(*PASSING[case])
    run_id = place.start("hello", agent="there", key=case.replace(" ", "-"))
    assert place.wait(run_id, "completed")["output"] == "fine"
    assert len(place.events(run_id, "model.retried")) == len(PASSING[case]) - 1
    assert len(place.events(run_id, "model.completed")) == 1


@pytest.mark.parametrize("case", [*LASTING, "nobody listens"])
def test_it_ends_with_a_sentence(place: Place, model: OpenAIServer, case: str) -> None:
    model.forget()
    model.answer(*LASTING.get(case, []))
    run_id = place.start("hello", agent="there" if case in LASTING else "nowhere", key=case.replace(" ", "-"))
    error = place.wait(run_id, "failed")["error"]
    assert "http://127.0.0.1:" in error or "stream" in error or "reply" in error, error
    assert "Traceback" not in error
    kinds = {event["type"] for event in place.events(run_id)}
    assert kinds.isdisjoint({"approval.requested", "tool.started", "model.completed"})
    assert place.witness(run_id) == []
    [failed] = place.events(run_id, "model.failed")
    assert failed["fault"]

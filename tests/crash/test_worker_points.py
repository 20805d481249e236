"""A worker dies by SIGKILL at every named point; after the next start the story ends as if it had not.

Each story runs one command that leaves one line in a witness. An honest person answers what is asked.
"""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.benchmarks.torture.stories import WITNESS, append, script
from runtime.faults import Point
from tests import openai_server
from tests.crash.place import SECONDS, WEB, WORKER, Place, installed
from tests.openai_server import Answer, OpenAIServer
from tests.product import TERMINAL, call

pytestmark = pytest.mark.usefixtures("shell")
HEAD = "apiVersion: agent-harness/v1alpha1\nkind: {}\nmetadata: {{name: {}}}\nspec: "
RULES = [
    {"name": "artifacts are free", "action": "allow", "tool": "save_artifact"},
    {"name": "edits do not wait", "action": "ask", "tool": "edit_file", "expires_after_seconds": 1},
]
TALK = {"text": "word " * 10}
LONG = {"text": "word " * 100}


def workspace(base_url: str) -> dict[str, str]:
    """An agent `remote` on that server; an edit that nobody decides expires at once."""
    remote = {"provider": "openai_compatible", "base_url": base_url, "model": "m"}
    rules = {"approvals": {"rules": RULES}, "retry": {"base_seconds": 0.1}}
    agent = {"model": "remote", "tools": ["*"]}
    return {
        "workspace.yaml": HEAD.format("Workspace", "crash") + json.dumps(rules),
        "models.yaml": HEAD.format("Models", "crash") + json.dumps({"models": {"remote": remote}}),
        "agents/remote.yaml": HEAD.format("Agent", "remote") + json.dumps(agent),
    }


@pytest.fixture(scope="module")
def model() -> Iterator[OpenAIServer]:
    with openai_server.running() as server:
        yield server


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, model: OpenAIServer) -> Iterator[Place]:
    """One installation for all points; at the end the oracle looks at everything that was left."""
    directory: Path = tmp_path_factory.mktemp("worker-points")
    with installed(directory, workspace=workspace(model.base_url)) as made:
        made.fleet.start(WEB)
        made.fleet.wait()
        yield made
        assert made.violations() == []


@pytest.fixture(autouse=True)
def _nobody(place: Place) -> Iterator[None]:
    """No worker is there before and after each test."""
    yield
    if place.fleet.members[WORKER].process is not None:
        place.fleet.kill(WORKER)


def drive(place: Place, run_id: str, verdict: str = "approve") -> str:
    """Does what is asked until the run has ended or the worker is dead; gives the state."""
    details = {"reason": "no"} if verdict == "reject" else {}
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        state = str(place.run(run_id)["state"])
        process = place.fleet.members[WORKER].process
        if state in TERMINAL or process is None or process.poll() is not None:
            return state
        if state == "waiting_for_approval" and place.pending(run_id):
            place.decide(run_id, verdict, **details)
        if state == "in_doubt":
            place.resolve(run_id)
        time.sleep(0.03)
    raise AssertionError(f"still {state}: {place.events(run_id)[-3:]}")


def die(place: Place, run_id: str, verdict: str = "approve") -> None:
    """Until the armed worker is dead."""
    drive(place, run_id, verdict)
    assert place.fleet.wait_death(WORKER) == -signal.SIGKILL


def finish(place: Place, run_id: str, verdict: str = "approve") -> int:
    """A sound worker takes over; gives how often a call was in doubt."""
    place.heal(WORKER)
    assert drive(place, run_id, verdict) == "completed"
    return len(place.events(run_id, "tool.in_doubt"))


#: Points that one run of a command passes, and whether its outcome is unknown when the worker dies there.
SHELL = {
    "task.taken": 0,
    "claim.written": 0,
    "claim.committed": 0,
    "renew.written": 0,
    "entry.flushed": 0,
    "model.marked": 0,
    "model.streaming": 0,
    "delta.committed": 0,
    "reply.received": 0,
    "reply.proposed": 0,
    "reply.committed": 0,
    "reply.received:2": 0,
    "decision.spent": 0,
    "start.written": 0,
    "start.committed": 1,
    "effect.done": 1,
    "finish.written": 1,
    "finish.committed": 0,
    "end.written": 0,
}


#: Those that are passed only when a reply takes its time.
STREAMING = {"renew.written", "model.streaming", "delta.committed"}


@pytest.mark.parametrize("fault", list(SHELL))
def test_it_runs_a_command_once_and_asks_only_where_it_cannot_know(place: Place, fault: str) -> None:
    mark = f"shell-{fault}"
    place.arm(WORKER, fault)
    text = LONG if fault in STREAMING else TALK
    run_id = place.start(script({**text, "tool_calls": [append(mark)]}, TALK))
    die(place, run_id)
    assert finish(place, run_id) == SHELL[fault]
    assert place.witness(run_id) == [mark]


def test_it_stays_in_doubt(place: Place) -> None:
    fault = "doubt.written"
    place.arm(WORKER, "effect.done")
    run_id = place.start(script({"tool_calls": [append(fault)]}, TALK))
    die(place, run_id)
    place.arm(WORKER, fault)
    die(place, run_id)
    assert finish(place, run_id) == 1
    assert place.witness(run_id) == [fault]


@pytest.mark.parametrize("fault", ["recover.written", "recover.committed"])
def test_it_recovers_what_a_recovery_left(place: Place, fault: str) -> None:
    place.arm(WORKER, "model.streaming")
    run_id = place.start(script({"tool_calls": [append(fault)], **TALK}, TALK))
    die(place, run_id)
    place.arm(WORKER, fault)
    die(place, run_id)
    assert finish(place, run_id) == 0
    assert place.witness(run_id) == [fault]


def test_it_need_not_hand_a_run_back(place: Place) -> None:
    place.arm(WORKER, "hand_back.written")
    run_id = place.start(script(LONG), key="hand-back")
    place.wait(run_id, "running")
    place.fleet.signal(WORKER, signal.SIGTERM)
    die(place, run_id)
    assert finish(place, run_id) == 0


def test_it_tells_the_model_of_a_rejection(place: Place) -> None:
    fault = "answer.written"
    place.arm(WORKER, fault)
    run_id = place.start(script({"tool_calls": [append(fault)]}, TALK))
    die(place, run_id, "reject")
    assert finish(place, run_id, "reject") == 0
    assert place.witness(run_id) == []
    [told] = place.events(run_id, "tool.failed")
    assert "Reason: no" in told["error"]


@pytest.mark.parametrize("fault", ["expire.written", "expire.committed"])
def test_it_lets_an_approval_expire_once(place: Place, fault: str) -> None:
    place.arm(WORKER, fault)
    edit = call("edit_file", path=WITNESS, old="a", new="b")
    run_id = place.start(script({"tool_calls": [edit]}, TALK), key=fault)
    assert place.fleet.wait_death(WORKER) == -signal.SIGKILL
    place.heal(WORKER)
    place.wait(run_id, "completed")
    assert len(place.events(run_id, "approval.expired")) == 1


@pytest.mark.parametrize("fault", ["file.synced", "file.renamed"])
def test_it_writes_a_file_whole(place: Place, fault: str) -> None:
    place.arm(WORKER, fault)
    run_id = place.start(script({"tool_calls": [call("write_file", path=fault, content=fault * 99)]}, TALK))
    die(place, run_id)
    assert finish(place, run_id) == 0
    folder = place.data_dir / "threads" / place.run(run_id)["thread_id"] / "files"
    assert [path.name for path in folder.iterdir()] == [fault]
    assert (folder / fault).read_text() == fault * 99


def test_it_keeps_an_artifact_once(place: Place) -> None:
    place.arm(WORKER, "artifact.written")
    run_id = place.start(script({"tool_calls": [call("save_artifact", path="a.txt", content="kept")]}, TALK))
    die(place, run_id)
    assert finish(place, run_id) == 0
    [artifact] = place.api.get(f"runs/{run_id}/artifacts").body["items"]
    folder = place.data_dir / "threads" / artifact["thread_id"] / "runs" / run_id / "artifacts"
    assert [path.read_text() for path in folder.iterdir()] == ["kept"]


@pytest.mark.parametrize(
    ("fault", "answers", "ends"),
    [
        ("model.retried", [Answer(status=500), Answer(text="fine")], "completed"),
        ("model.failed", [Answer(status=400)], "failed"),
    ],
)
def test_it_goes_on_with_a_model_that_failed(
    place: Place, model: OpenAIServer, fault: str, answers: list[Answer], ends: str
) -> None:
    model.forget()
    model.answer(*answers)
    place.arm(WORKER, fault)
    run_id = place.start("hello", agent="remote", key=fault)
    die(place, run_id)
    place.heal(WORKER)
    place.wait(run_id, ends)
    assert len(place.events(run_id, fault)) == 1


def test_it_knows_every_point() -> None:
    """Those of the web server and of maintenance are in files of their own; the rest stand above."""
    from tests.crash import test_maintenance_points, test_web_points

    others = {*test_web_points.POINTS, *test_maintenance_points.POINTS, "delete.events"}
    text = Path(__file__).read_text(encoding="utf-8")
    missing = [p.value for p in Point if f'"{p.value}' not in text and p.value not in others]
    assert missing == []

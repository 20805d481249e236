"""A long walk: random acts over the HTTP API, lost workers and passing time, each step compared with a model
of a page (`model.py`), and the records found consistent after each."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as walk_through

from runtime import journal, upkeep
from runtime.engine import loop
from runtime.engine.lease import Keeper
from runtime.models import Approval, DecisionRecord, Event, Run, Thread
from runtime.models.thread import thread_folder
from runtime.upkeep.verify import verify
from tests.api.conftest import Caller, json_of
from tests.machine import model
from tests.machine.scripts import arguments, as_input

PICK = st.integers(0, 999)
SCRIPT = st.lists(
    st.lists(st.sampled_from(["ls", "write_file", "edit_file"]), min_size=1, max_size=3), max_size=3
)
VERDICT = st.sampled_from(["approve", "edit", "reject", "respond"])
STATUS = {"approve": "approved", "edit": "edited", "reject": "rejected", "respond": "responded"}


class Lifecycle(RuleBasedStateMachine):
    """Threads, as the API shows them and as the model has them."""

    caller: Caller

    def __init__(self) -> None:
        super().__init__()
        self.start = datetime.now(UTC)
        self.now = 0.0
        self.clock = time_machine.travel(self.start, tick=False)
        self.moves = self.clock.start()
        self.keeper = Keeper("worker", model.LEASE_SECONDS)
        self.threads: list[model.Thread] = []
        self.lost: list[journal.Lease] = []  # what dead workers still think they hold
        self.decided: dict[str, str] = {}  # approval → status
        self.made = 0

    def teardown(self) -> None:
        """Deletes everything through the API, and looks that nothing is left."""
        try:
            for thread in self.threads:
                for run in thread.runs:
                    if not run.ended:
                        self.caller.post(f"/runs/{run.run_id}/cancel")
                assert self.caller.delete(f"/threads/{thread.thread_id}").status_code == 204
                assert not thread_folder(thread.thread_id).exists()
            left = [found.objects.count() for found in (Thread, Run, Event, Approval)]
            assert left == [0, 0, 0, 0]
        finally:
            self.keeper.stop()
            self.clock.stop()

    # -- what is there

    @property
    def runs(self) -> list[tuple[model.Thread, model.Run]]:
        return [(thread, run) for thread in self.threads for run in thread.runs]

    def pick(self, number: int) -> tuple[model.Thread, model.Run]:
        return self.runs[number % len(self.runs)]

    def pending(self) -> list[tuple[model.Run, model.Call, dict[str, Any]]]:
        """Every approval that waits: by the model, and as the API shows it."""
        items = json_of(self.caller.get("/approvals", status="pending", limit=200))["items"]
        by_path = {item["arguments"]["path"]: item for item in items}
        return [(run, call, by_path[call.path]) for _, run in self.runs for call in run.asked]

    # -- what people do

    @precondition(lambda self: self.made < 6)
    @rule(script=SCRIPT, number=PICK, anew=st.booleans())
    def start_a_run(self, script: list[list[str]], number: int, anew: bool) -> None:
        self.made += 1
        name = f"r{self.made}"
        body = {"input": as_input(script, name), "agent": "direct"}
        thread = None if anew or not self.threads else self.threads[number % len(self.threads)]
        if thread is not None:
            body["thread_id"] = thread.thread_id
        made = json_of(self.caller.post("/runs", body), 201)
        if thread is None:
            thread = model.Thread(made["thread_id"])
            self.threads.append(thread)
        thread.runs.append(model.Run(made["run_id"], name, script))

    @precondition(lambda self: any(run.asked for _, run in self.runs))
    @rule(number=PICK, verdict=VERDICT)
    def decide(self, number: int, verdict: str) -> None:
        waiting = self.pending()
        run, call, shown = waiting[number % len(waiting)]
        body: dict[str, Any] = {"decision": verdict, "digest": shown["digest"]}
        if verdict == "edit":
            body["arguments"] = arguments(call.tool, call.path, "edited")
        if verdict == "respond":
            body["content"] = "as if"
        answer = self.caller.post(f"/approvals/{shown['approval_id']}/decision", body)
        refused = verdict == "edit" and model.must_fail(run, call)
        json_of(answer, 422 if refused else 200)
        if refused:
            return
        self.decided[shown["approval_id"]] = STATUS[verdict]
        model.decide(run, call, verdict)

    @precondition(lambda self: any(run.asked for _, run in self.runs))
    @rule(number=PICK, wrong=st.sampled_from(["digest", "no digest", "decision", "arguments", "missing"]))
    def decide_wrongly(self, number: int, wrong: str) -> None:
        waiting = self.pending()
        _, _, shown = waiting[number % len(waiting)]
        digest = shown["digest"]
        body, status = {
            "digest": ({"decision": "approve", "digest": "0" * 64}, 409),
            "no digest": ({"decision": "approve"}, 422),
            "decision": ({"decision": "perhaps", "digest": digest}, 422),
            "arguments": ({"decision": "edit", "digest": digest, "arguments": {"path": 7}}, 422),
            "missing": ({"decision": "respond", "digest": digest}, 422),
        }[wrong]
        answer = self.caller.post(f"/approvals/{shown['approval_id']}/decision", body)
        assert answer.status_code == status, answer.content

    @precondition(lambda self: self.decided)
    @rule(number=PICK, verdict=VERDICT)
    def decide_what_is_decided(self, number: int, verdict: str) -> None:
        approval_id = sorted(self.decided)[number % len(self.decided)]
        body = {"decision": verdict, "digest": "0" * 64}
        problem = json_of(self.caller.post(f"/approvals/{approval_id}/decision", body), 409)
        assert STATUS[problem["winner"]["decision"]] == self.decided[approval_id]

    @precondition(lambda self: self.runs)
    @rule(number=PICK)
    def cancel(self, number: int) -> None:
        _, run = self.pick(number)
        answer = self.caller.post(f"/runs/{run.run_id}/cancel")
        assert answer.status_code == (409 if run.ended else 202)
        if not run.ended:
            model.cancel(run)

    @precondition(lambda self: self.runs and self.made < 6)
    @rule(number=PICK)
    def retry(self, number: int) -> None:
        thread, run = self.pick(number)
        answer = self.caller.post(f"/runs/{run.run_id}/retry")
        assert answer.status_code == (202 if run.ended else 409)
        if run.ended:
            self.made += 1
            anew = json_of(answer, 202)["run_id"]
            thread.runs.append(model.Run(anew, run.name, run.script))  # the same paths: the same files

    @precondition(lambda self: self.runs)
    @rule(number=PICK, happened=st.booleans(), doubted=st.booleans())
    def resolve(self, number: int, happened: bool, doubted: bool) -> None:
        in_doubt = [run for _, run in self.runs if run.state == "in_doubt"]
        run = in_doubt[number % len(in_doubt)] if doubted and in_doubt else self.pick(number)[1]
        body = {"outcome": "happened" if happened else "did_not_happen"}
        answer = self.caller.post(f"/runs/{run.run_id}/resolve", body)
        assert answer.status_code == (202 if run.state == "in_doubt" else 409)
        if run.state == "in_doubt":
            model.resolve(run, happened=happened)

    @precondition(lambda self: self.threads)
    @rule(number=PICK)
    def delete(self, number: int) -> None:
        thread = self.threads[number % len(self.threads)]
        answer = self.caller.delete(f"/threads/{thread.thread_id}")
        busy = any(run.state in model.BUSY for run in thread.runs)
        assert answer.status_code == (409 if busy else 204)
        if not busy:
            gone = [f"/threads/{thread.thread_id}", *(f"/runs/{run.run_id}" for run in thread.runs)]
            assert {self.caller.get(path).status_code for path in gone} == {404}
            assert not thread_folder(thread.thread_id).exists()
            self.threads.remove(thread)
            here = set(Approval.objects.values_list("approval_id", flat=True))
            self.decided = {key: status for key, status in self.decided.items() if key in here}

    # -- what workers and time do

    def due(self) -> list[tuple[model.Thread, model.Run]]:
        first = [(thread, thread.claimable()) for thread in self.threads]
        found = [(thread, run) for thread, run in first if run is not None]
        return sorted(found, key=lambda pair: pair[1].run_id)

    @precondition(lambda self: self.due())
    @rule()
    def work(self) -> None:
        thread, run = self.due()[0]
        assert loop.advance(run.run_id, self.keeper, slots=10)
        model.work(thread, run, self.now)

    @precondition(lambda self: self.due())
    @rule(number=PICK, started=st.booleans())
    def lose_a_worker(self, number: int, started: bool) -> None:
        due = self.due()
        self.lose(due[number % len(due)][1], started=started)

    @precondition(lambda self: self.due())
    @rule(number=PICK, started=st.booleans())
    def lose_one_worker_after_the_other(self, number: int, started: bool) -> None:
        due = self.due()
        _, run = due[number % len(due)]
        while run.state == "queued":
            self.lose(run, started=started)
            self.pass_time(model.LEASE_SECONDS + 1)
            self.sweep_all()

    def lose(self, run: model.Run, *, started: bool) -> None:
        lease = journal.claim(run.run_id, "lost", slots=99, lease_seconds=model.LEASE_SECONDS)
        assert lease is not None
        self.lost.append(lease)
        first = run.calls[0] if run.calls else None
        begins = started and first is not None and first.state == "granted"
        if begins:
            with journal.entry(run.run_id, lease) as entry:
                call = entry.run.tool_calls.filter(finished_at=None).order_by("turn", "position")[0]
                journal.start(entry, journal.call_of(entry.run.run_id, call.tool_call_id), worker="lost")
        model.die(run, self.now, started=begins)

    @rule(seconds=st.sampled_from([model.LEASE_SECONDS - 1, model.LEASE_SECONDS + 1, model.DEADLINE_SECONDS]))
    def let_time_pass(self, seconds: int) -> None:
        self.pass_time(seconds)

    def pass_time(self, seconds: int) -> None:
        self.now += seconds
        self.moves.shift(seconds)

    @rule()
    def sweep(self) -> None:
        self.sweep_all()

    def sweep_all(self) -> None:
        upkeep.sweep()
        for _, run in self.runs:
            model.sweep(run, self.now)

    @precondition(lambda self: self.lost)
    @rule(number=PICK)
    def come_back_from_the_dead(self, number: int) -> None:
        lease = self.lost[number % len(self.lost)]
        held = [run for _, run in self.runs if run.run_id == lease.run_id and run.state == "running"]
        mine = held and Run.objects.get(pk=lease.run_id).lease_epoch == lease.epoch
        if not mine:
            with pytest.raises((journal.Fenced, journal.RunGone)), journal.entry(lease.run_id, lease):
                pass

    # -- what holds after each

    @invariant()
    def it_is_as_in_the_model(self) -> None:
        for thread in self.threads:
            shown = json_of(self.caller.get("/runs", thread=thread.thread_id, limit=200))["items"]
            assert {run["run_id"]: run["state"] for run in shown} == {r.run_id: r.state for r in thread.runs}
            waits = {run["run_id"] for run in shown if run["resumable"]}
            assert waits == {r.run_id for r in thread.runs if r.state in ("waiting_for_approval", "in_doubt")}
            of_thread = json_of(self.caller.get(f"/threads/{thread.thread_id}"))
            assert (of_thread["latest_run_id"], of_thread["status"]) == (
                thread.runs[-1].run_id,
                thread.runs[-1].state,
            )
            folder = thread_folder(thread.thread_id) / "files"
            there = {path.name: path.read_text() for path in folder.glob("*")}
            assert there == thread.files

    @invariant()
    def it_asks_for_what_waits_and_nothing_else(self) -> None:
        items = json_of(self.caller.get("/approvals", status="pending", limit=200))["items"]
        expected = [(run.run_id, call.path) for _, run in self.runs for call in run.asked]
        assert sorted((i["run_id"], i["arguments"]["path"]) for i in items) == sorted(expected)
        settled = dict(Approval.objects.exclude(status="pending").values_list("approval_id", "status"))
        assert {key: settled[key] for key in self.decided} == self.decided
        assert DecisionRecord.objects.filter(approval_id__in=settled).count() == len(self.decided)

    @invariant()
    def it_offers_what_is_due_in_order(self) -> None:
        assert Run.objects.claimable(datetime.now(UTC)) == [run.run_id for _, run in self.due()]

    @invariant()
    def its_records_are_consistent(self) -> None:
        assert verify().differences == []


def test_it_behaves_like_the_model(caller: Caller) -> None:
    Lifecycle.caller = caller
    walk = settings(
        max_examples=30, stateful_step_count=30, deadline=None, suppress_health_check=[*HealthCheck]
    )
    walk_through(Lifecycle, settings=walk)

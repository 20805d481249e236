"""An installation of bare processes for tests that kill: driven over the API, judged at the end."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from runtime.benchmarks.torture.api import Answer, Answers, Api, Unanswered
from runtime.benchmarks.torture.fleet import WEB, Fleet
from runtime.benchmarks.torture.ledger import Ledger
from runtime.benchmarks.torture.stories import lines
from runtime.faults import PERMISSION, VARIABLE
from tests.product import MANAGE, TERMINAL, environment, migrate

WORKER = "worker 1"
#: Until something must have happened. No measure of anything: a busy machine may take a minute to start three
#: processes and end a run, and only what hangs takes twice as long.
SECONDS = 120.0
LEASE_SECONDS = "1.5"


class Place:
    """One installation, its processes, and what they acknowledged."""

    def __init__(self, data_dir: Path, env: dict[str, str], fleet: Fleet, token: str) -> None:
        self.data_dir = data_dir
        self.env = env
        self.fleet = fleet
        self.ledger = Ledger()
        self.heard = Answers()
        self.token = token
        self.api = Api(fleet.port, token, self.heard)

    # -- processes

    def arm(self, name: str, fault: str, *, told: bool = True) -> None:
        """Starts a process in which a fault point is armed."""
        self.fleet.start(name, told=told, extra={VARIABLE: fault})
        self.fleet.wait()

    def heal(self, name: str) -> None:
        """Starts a sound process in the place of one that died, without a word about that."""
        self.fleet.start(name)
        self.fleet.wait()

    def alive(self) -> list[str]:
        """The processes that were started and have not ended."""
        members = self.fleet.members.values()
        return [m.name for m in members if m.process is not None and m.process.poll() is None]

    # -- acts; each is written down when it was acknowledged

    def start(self, text: str, agent: str = "orchestra", key: str = "") -> str:
        """A run in a thread of its own."""
        key = key or hashlib.sha256(text.encode()).hexdigest()
        answer = self.api.post("runs", {"input": text, "agent": agent}, key=key)
        assert answer.status == 201, answer
        run_id = str(answer.body["run_id"])
        self.ledger.note("start", answer.body["thread_id"], run_id, key)
        return run_id

    def decide(self, run_id: str, verdict: str = "approve", **details: Any) -> Answer:
        """The oldest approval that the run waits for; the rest are left."""
        approval = self.pending(run_id)[0]
        body = {"decision": verdict, "digest": approval["digest"], **details}
        answer = self.api.post(f"approvals/{approval['approval_id']}/decision", body)
        if answer.ok:
            about = approval["approval_id"]
            self.ledger.note("decide", approval["thread_id"], run_id, about, verdict)
        return answer

    def resolve(self, run_id: str) -> str:
        """Says honestly what became of the call in doubt: one line in the witness, it happened."""
        outcome = "happened" if self.witness(run_id) else "did_not_happen"
        answer = self.api.post(f"runs/{run_id}/resolve", {"outcome": outcome})
        assert answer.ok, answer
        return outcome

    def cancel(self, run_id: str) -> Answer:
        answer = self.api.post(f"runs/{run_id}/cancel")
        if answer.ok:
            self.ledger.note("cancel", answer.body["thread_id"], run_id)
        return answer

    def delete(self, run_id: str) -> Answer:
        """The run's thread."""
        thread_id = self.run(run_id)["thread_id"]
        answer = self.api.call("DELETE", f"threads/{thread_id}")
        if answer.ok:
            self.ledger.note("delete", thread_id, run_id)
        return answer

    # -- looks

    def run(self, run_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.patiently(lambda: self.api.get(f"runs/{run_id}")).body
        return found

    def pending(self, run_id: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.api.get(f"approvals?status=pending&run={run_id}").body["items"]
        return items

    def events(self, run_id: str, kind: str = "") -> list[dict[str, Any]]:
        query = f"&type={kind}" if kind else ""
        items: list[dict[str, Any]] = self.api.get(f"runs/{run_id}/events?limit=200{query}").body["items"]
        return items

    def witness(self, run_id: str) -> list[str]:
        """The lines that the shell left in the run's thread."""
        return lines(self.data_dir, self.run(run_id)["thread_id"])

    def wait(self, run_id: str, *states: str, seconds: float = SECONDS) -> dict[str, Any]:
        """The run, once it is in one of the states."""
        end = time.monotonic() + seconds
        while True:
            run = self.run(run_id)
            if run["state"] in states:
                return run
            assert time.monotonic() < end, f"still {run['state']}: {self.events(run_id)[-3:]}"
            assert run["state"] not in TERMINAL, f"{run['state']}: {run['error']}"
            time.sleep(0.05)

    def patiently(self, ask: Callable[[], Answer], seconds: float = SECONDS) -> Answer:
        """Asks until there is an answer."""
        end = time.monotonic() + seconds
        while True:
            try:
                return ask()
            except Unanswered:
                assert time.monotonic() < end, "no answer"
                time.sleep(0.1)

    def until(self, done: Callable[[], object], seconds: float = SECONDS) -> None:
        """Waits for it."""
        end = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < end
            time.sleep(0.05)

    # -- the end

    def command(self, *arguments: str, check: bool = True) -> str:
        """What `manage.py …` prints."""
        return said(self.env, *arguments, check=check)

    def violations(self, *, exact: bool = True) -> list[str]:
        """What the oracle finds, in a process of its own; the processes may still run."""
        self.ledger.wrong = self.heard.wrong
        path = self.data_dir / "ledger.json"
        self.ledger.save(path)
        return judged(self.env, path, exact=exact)


@contextmanager
def installed(
    data_dir: Path,
    *,
    workers: int = 1,
    workspace: Mapping[str, str] | None = None,
    command: tuple[str, ...] = (sys.executable, str(MANAGE)),
    **extra: str,
) -> Iterator[Place]:
    """An installation without any process running. `workspace`: files and what is in them."""
    data_dir.mkdir(exist_ok=True)
    data_dir.chmod(0o711)
    (data_dir / PERMISSION).touch()
    env = environment(
        data_dir, HARNESS_LEASE_SECONDS=LEASE_SECONDS, HARNESS_SWEEP_SECONDS="0.5", MALLOC_ARENA_MAX="2"
    )
    if workspace:
        env["HARNESS_WORKSPACE"] = str(data_dir / "workspace")
        for name, content in workspace.items():
            path = data_dir / "workspace" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
    env |= extra
    migrate(env)
    token = said(env, "token", "torture", "--role", "operator", "--role", "reviewer")
    with Fleet(command, env, data_dir / "fleet.log", workers=workers) as fleet:
        place = Place(data_dir, env, fleet, token)
        try:
            yield place
        finally:
            place.api.close()


def said(env: Mapping[str, str], *arguments: str, check: bool = True) -> str:
    """What a command of the product prints."""
    done = subprocess.run(
        [sys.executable, MANAGE, *arguments], env=env, capture_output=True, text=True, timeout=120
    )
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def judged(env: Mapping[str, str], ledger: Path, *, exact: bool) -> list[str]:
    """The oracle's findings."""
    words = [sys.executable, "-m", "tests.crash.oracle", str(ledger), *(["--exact"] if exact else [])]
    done = subprocess.run(words, env=env, cwd=MANAGE.parent, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found


__all__ = ["WEB", "WORKER", "Place", "Unanswered", "installed"]

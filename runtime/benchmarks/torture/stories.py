"""What the clients do: each story is a thread whose runs are started, decided, cancelled, repeated, resolved
and deleted over the API, by an honest person who looks at the witness before saying what happened.

The witness is a file of the thread's folder. Every shell command appends a line of its own to it, so that
what was really run can be counted outside of the records.
"""

from __future__ import annotations

import json
import random
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runtime.benchmarks.torture.api import Api, Unanswered
from runtime.benchmarks.torture.ledger import Ledger

WITNESS = "witness"
EDITED = "-edited"
ENDS = ("completed", "failed", "cancelled")
VERDICTS = ("approve",) * 7 + ("edit", "reject", "respond")


def append(mark: str, slow: bool = False) -> dict[str, Any]:
    """A call of the shell that leaves a line in the witness."""
    command = f"echo {mark} >> {WITNESS}" + ("; sleep 0.3" if slow else "")
    return {"name": "execute", "arguments": {"command": command}}


def script(*turns: dict[str, Any]) -> str:
    """An input that dictates the model's turns."""
    return "script:" + json.dumps(turns)


def lines(data_dir: Path, thread_id: str) -> list[str]:
    """What the witness of a thread has seen."""
    try:
        text = (data_dir / "threads" / thread_id / "files" / WITNESS).read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    return text.splitlines()


def mark_of(command: str) -> str:
    """The line that a command leaves."""
    return command.removeprefix("echo ").partition(" ")[0]


@dataclass
class Story:
    """One thread. `step` does one thing at a time; `over` says that there is nothing left to do."""

    api: Api
    ledger: Ledger
    data_dir: Path
    chance: random.Random
    thread_id: str = ""
    run_id: str = ""
    over: bool = False
    draining: bool = False
    _name: str = field(default_factory=lambda: secrets.token_hex(5))
    _runs: int = 0
    _text: str = ""
    _repeats: str = ""  #: the run that is to be started again
    _key: str = ""

    def step(self) -> None:
        """One act, or a look. What was not answered is looked at again next time."""
        try:
            if not self.run_id:
                self._start()
                return
            run = self.api.get(f"runs/{self.run_id}")
            if run.status == 404:  # a deletion that was done and not acknowledged
                self.over = True
            elif run.ok:
                self._go_on(run.body["state"])
        except Unanswered:
            return

    def _start(self) -> None:
        if not self._key:
            self._runs += 1
            self._key = f"{self._name}.{self._runs}"
            self._text = self._text if self._repeats else self._script()
        if self._repeats:
            answer = self.api.post(f"runs/{self._repeats}/retry", key=self._key)
        else:
            body = {"input": self._text, "agent": "orchestra"}
            if self.thread_id:
                body["thread_id"] = self.thread_id
            answer = self.api.post("runs", body, key=self._key)
        if not answer.ok:
            self.ledger.wrong.append(f"A start was answered {answer.status}: {answer.body}")
            self.over = True
            return
        self.run_id, self.thread_id = answer.body["run_id"], answer.body["thread_id"]
        self.ledger.note("retry" if self._repeats else "start", self.thread_id, self.run_id, self._key)
        self._key = self._repeats = ""

    def _script(self) -> str:
        first, second = f"{self._name}.{self._runs}.a", f"{self._name}.{self._runs}.b"
        keep = {"name": "save_artifact", "arguments": {"path": "kept.txt", "content": first * 20}}
        write = {"name": "write_file", "arguments": {"path": "notes.txt", "content": first}}
        talk = {"text": "word " * self.chance.choice([1, 20, 60])}
        turns: list[list[dict[str, Any]]] = [
            [talk],
            [{"text": "Now.", "tool_calls": [append(first)]}, talk],
            [{"tool_calls": [append(first, slow=True), append(second)]}, talk],
            [{"tool_calls": [append(first)]}, {"tool_calls": [append(second)]}, talk],
            [{"tool_calls": [keep, write]}, talk],
        ]
        return script(*self.chance.choice(turns))

    def _go_on(self, state: str) -> None:
        if state == "waiting_for_approval":
            self._decide()
        elif state == "in_doubt":
            self._resolve()
        elif state in ENDS:
            self._after(state)
        elif self.chance.random() < 0.02:
            self._cancel()

    def _decide(self) -> None:
        if self.chance.random() < 0.04:
            self._cancel()
            return
        for approval in self.api.get(f"approvals?status=pending&run={self.run_id}").body["items"]:
            verdict = self.chance.choice(VERDICTS)
            body = {"decision": verdict, "digest": approval["digest"], **self._details(verdict, approval)}
            answer = self.api.post(f"approvals/{approval['approval_id']}/decision", body)
            if answer.ok:
                about = approval["approval_id"]
                self.ledger.note("decide", self.thread_id, self.run_id, about, verdict)
            elif answer.status != 409:
                self.ledger.wrong.append(f"A decision was answered {answer.status}: {answer.body}")

    def _details(self, verdict: str, approval: dict[str, Any]) -> dict[str, Any]:
        if verdict == "edit":
            arguments = dict(approval["arguments"])
            name = "command" if "command" in arguments else "content"
            mark = mark_of(arguments[name])
            arguments[name] = arguments[name].replace(mark, mark + EDITED)
            return {"arguments": arguments}
        return {"reject": {"reason": "no"}, "respond": {"content": "done by hand"}}.get(verdict, {})

    def _resolve(self) -> None:
        doubts = self.api.get(f"runs/{self.run_id}/events?type=tool.in_doubt&limit=200").body["items"]
        call_id = doubts[-1]["tool_call_id"]
        asked = self.api.get(f"approvals?run={self.run_id}&limit=200").body["items"]
        [*_, approval] = [item for item in asked if item["tool_call_id"] == call_id]
        decided = [each["arguments_after"] for each in approval["decisions"] if each["arguments_after"]]
        body = {"outcome": "happened" if self._happened(decided[-1]) else "did_not_happen"}
        answer = self.api.post(f"runs/{self.run_id}/resolve", body)
        if answer.ok:
            self.ledger.note("resolve", self.thread_id, self.run_id, call_id, body["outcome"])

    def _happened(self, arguments: dict[str, Any]) -> bool:
        if "command" in arguments:
            return mark_of(arguments["command"]) in lines(self.data_dir, self.thread_id)
        file = self.data_dir / "threads" / self.thread_id / "files" / arguments["path"]
        return file.is_file() and bool(file.read_text(encoding="utf-8") == arguments["content"])

    def _cancel(self) -> None:
        if self.api.post(f"runs/{self.run_id}/cancel").ok:
            self.ledger.note("cancel", self.thread_id, self.run_id)

    def _after(self, state: str) -> None:
        what = "" if self.draining else self.chance.choice(["retry", "more", "delete", "", ""])
        if what == "retry" and WITNESS not in self._text:  # the same line twice would witness nothing
            self._repeats, self.run_id = self.run_id, ""
        elif what == "more" and self._runs < 4:
            self.run_id = ""
        elif what == "delete":
            if self.api.call("DELETE", f"threads/{self.thread_id}").ok:
                self.ledger.note("delete", self.thread_id, self.run_id)
                self.over = True
        else:
            self.over = True

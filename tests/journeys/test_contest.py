"""Many reviewers, one approval after the other, all at once: each has one winner, whose word is done."""

from __future__ import annotations

import random
import threading
from collections import defaultdict
from typing import Any

import httpx

from tests.product import Product, call, script, wait_for

REVIEWERS = 50
APPROVALS = 40  # 200 take two minutes on a busy machine of two cores
PER_RUN = 10
SEARCH = {"status": "pending", "limit": "200"}

Answer = tuple[str, str, httpx.Response]  # who, verdict, what came


def asked(api: httpx.Client) -> tuple[list[str], list[dict[str, Any]]]:
    """The runs, and their pending approvals."""
    files = [f"{number}.txt" for number in range(PER_RUN)]
    calls = [call("write_file", path=name, content="as asked") for name in files]
    text = script({"tool_calls": calls}, {"text": "done"})
    runs = [api.post("runs", json={"input": text}).json() for _ in range(APPROVALS // PER_RUN)]
    for run in runs:
        wait_for(api, run["run_id"], "waiting_for_approval")
    found = [api.get("approvals", params={**SEARCH, "run": run["run_id"]}).json()["items"] for run in runs]
    return [run["run_id"] for run in runs], [approval for items in found for approval in items]


def decide(api: httpx.Client, approval: dict[str, Any], who: str) -> tuple[str, httpx.Response]:
    """A verdict of somebody's, by chance."""
    verdict = random.choice(["approve", "edit", "reject", "respond"])
    body: dict[str, Any] = {"decision": verdict, "digest": approval["digest"], "reason": who}
    if verdict == "edit":
        body["arguments"] = {**approval["arguments"], "content": who}
    if verdict == "respond":
        body["content"] = who
    return verdict, api.post(f"approvals/{approval['approval_id']}/decision", json=body)


def contest(api: httpx.Client, approvals: list[dict[str, Any]]) -> dict[str, list[Answer]]:
    """Everybody decides everything, in the same order; what each was told, by approval."""
    told: dict[str, list[Answer]] = defaultdict(list)
    begin = threading.Barrier(REVIEWERS)

    def review(who: str) -> None:
        with httpx.Client(base_url=api.base_url, headers=api.headers, timeout=60) as own:
            begin.wait()
            for approval in approvals:
                verdict, answer = decide(own, approval, who)
                told[approval["approval_id"]].append((who, verdict, answer))

    threads = [threading.Thread(target=review, args=(f"r{number}",)) for number in range(REVIEWERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told


def test_each_of_many_approvals_has_one_winner_of_many(product: Product, api: httpx.Client) -> None:
    runs, approvals = asked(api)
    assert len(approvals) == APPROVALS
    told = contest(api, approvals)
    won: dict[str, tuple[str, str]] = {}
    for approval_id, answers in told.items():
        assert len(answers) == REVIEWERS
        assert sorted(answer.status_code for _, _, answer in answers) == [200] + [409] * (REVIEWERS - 1)
        [(who, verdict)] = [(who, verdict) for who, verdict, answer in answers if answer.status_code == 200]
        winners = [answer.json()["winner"] for _, _, answer in answers if answer.status_code == 409]
        assert {(winner["decision"], winner["reason"]) for winner in winners} == {(verdict, who)}
        won[approval_id] = (verdict, who)
    for run_id in runs:
        wait_for(api, run_id, "completed", seconds=120)
    for approval in approvals:
        verdict, who = won[approval["approval_id"]]
        expected = {"approve": "as asked", "edit": who}.get(verdict)
        files = product.data_dir / "threads" / approval["thread_id"] / "files"
        written = files / approval["arguments"]["path"]
        assert (written.read_text() if written.exists() else None) == expected
    product.command("verify")

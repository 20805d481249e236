"""The situations of runs that have not ended."""

from __future__ import annotations

from dataclasses import replace

from runtime.diagnosis import Act, Asked, Blocker, Call, Cause, Worker
from runtime.lifecycle import Why
from tests.diagnosis.rows import (
    ASKED,
    DID,
    HOUSE,
    LOST,
    Situation,
    ago,
    ahead,
    facts,
    queued,
    running,
)

UNDER_WAY: dict[str, Situation] = {
    "no worker": (
        queued(180), replace(HOUSE, workers=0, slots=0, busy=0), Cause.NO_WORKER,
        "No worker is running; it has been queued for 3 min.", Act.START_WORKER,
    ),
    "workspace broken": (
        queued(), replace(HOUSE, workspace_problem="agents/x.yaml:3: spec.model: no such model"),
        Cause.WORKSPACE_BROKEN,
        "The workspace cannot be read, so no run starts: agents/x.yaml:3: spec.model: no such model.",
        Act.CHECK_WORKSPACE,
    ),
    "workspace was broken": (
        queued(reason=Why.WORKSPACE, next_try_at=ahead(9)), HOUSE, Cause.WORKSPACE_BROKEN,
        "The workspace could not be read; it is tried again at 03:14:09 UTC.", Act.WAIT,
    ),
    "behind an earlier run": (
        queued(blocker=Blocker("r1", "waiting_for_approval")), HOUSE, Cause.BEHIND_EARLIER,
        "Waits for an earlier run of its thread, which is waiting for approval.", Act.OPEN_BLOCKER,
    ),
    "provider, shared": (
        queued(
            reason=Why.NEXT_TRY, fault="rate_limited", model_attempts=5, next_try_at=ahead(20), sharing=12
        ),
        HOUSE, Cause.PROVIDER, f"{DID}; next try 03:14:20 UTC; 12 other runs share this.", Act.WAIT,
    ),
    "provider, alone": (
        queued(reason=Why.NEXT_TRY, fault="unreachable", model_attempts=1, next_try_at=ahead(86400 * 2)),
        HOUSE, Cause.PROVIDER,
        "The provider could not be reached once; next try 2026-03-03 03:14:00 UTC.", Act.WAIT,
    ),
    "provider, due": (
        queued(reason=Why.NEXT_TRY, fault="server_trouble", model_attempts=2, next_try_at=ago(1), sharing=1),
        HOUSE, Cause.PROVIDER,
        "The provider had trouble twice; the next try is due now; 1 other run shares this.", Act.WAIT,
    ),
    "agent at its limit": (
        queued(70), replace(HOUSE, full_agents=frozenset({"orchestra"})), Cause.AGENT_LIMIT,
        "The agent orchestra has as many runs at work as it may have; queued for 1 min.", Act.WAIT,
    ),
    "no slot": (
        queued(90), replace(HOUSE, busy=8), Cause.NO_SLOT,
        "All 8 slots are taken; queued for 1 min.", Act.WAIT,
    ),
    "one slot": (
        queued(5), replace(HOUSE, slots=1, busy=1), Cause.NO_SLOT,
        "The only slot is taken; queued for 5 s.", Act.WAIT,
    ),
    "recovered": (
        queued(4, reason=Why.LEASE_OVER, steps=17), HOUSE, Cause.RECOVERED,
        "Its worker was lost 4 s ago; it is queued again from checkpoint 17 and no call of it is in doubt.",
        Act.WAIT,
    ),
    "recovered after its worker died": (
        queued(1, reason=Why.WORKER_DIED), HOUSE, Cause.RECOVERED,
        "Its worker was lost 1 s ago; it is queued again and no call of it is in doubt.", Act.WAIT,
    ),
    "handed back": (
        queued(2, reason=Why.STOPPING, steps=3), HOUSE, Cause.HANDED_BACK,
        "Its worker stopped 2 s ago and handed it back; the next one goes on from checkpoint 3.", Act.WAIT,
    ),
    "decided": (
        queued(1, reason=Why.DECIDED), HOUSE, Cause.DECIDED,
        "Every call was decided 1 s ago; a worker goes on from there.", Act.WAIT,
    ),
    "expired": (
        queued(1, reason=Why.EXPIRED), HOUSE, Cause.EXPIRED,
        "An approval ran out undecided 1 s ago; the model is told and the run goes on.", Act.WAIT,
    ),
    "starting": (
        queued(1), HOUSE, Cause.STARTING, "Queued 1 s ago; a free worker takes it.", Act.WAIT,
    ),
    "queued for a reason in other words": (
        queued(1, reason="olga said that pay happened"), HOUSE, Cause.STARTING,
        "Queued 1 s ago; a free worker takes it.", Act.WAIT,
    ),
    "not taken": (
        queued(7500), HOUSE, Cause.NOT_TAKEN,
        "It has been due for 2 h 05 min and slots are free, yet no worker took it; a sweep rings for it "
        "every 15 s.", Act.CHECK_HEALTH,
    ),
    "tool at work": (
        running(open_call=Call("execute", "started", ago(8))), HOUSE, Cause.TOOL,
        "execute has been at work for 8 s.", Act.WAIT,
    ),
    "model asked": (
        running(last_event="model.started", last_event_at=ago(9)), HOUSE, Cause.MODEL,
        "The model was asked 9 s ago.", Act.WAIT,
    ),
    "model answers": (
        running(last_event="output.delta", last_event_at=ago(1)), HOUSE, Cause.MODEL,
        "The model is answering.", Act.WAIT,
    ),
    "model slow": (
        running(400, last_event="model.started", last_event_at=ago(300)), HOUSE, Cause.MODEL_SLOW,
        "The model has said nothing for 5 min; a slow local model is no fault.", Act.WAIT,
    ),
    "trying again in place": (
        running(last_event="model.retried", fault="rate_limited", model_attempts=2), HOUSE,
        Cause.TRYING_AGAIN, "The provider answered 429 twice; it is tried again in a moment.", Act.WAIT,
    ),
    "between steps": (
        running(12, last_event="tool.completed"), HOUSE, Cause.AT_WORK, "At work for 12 s.", Act.WAIT,
    ),
    "after two lost workers": (
        running(12, attempts=3), HOUSE, Cause.AT_WORK,
        "At work for 12 s, with the third worker in a row (after 5 it is not tried again).", Act.WAIT,
    ),
    "worker lost": (
        running(4000, **LOST), HOUSE, Cause.WORKER_LOST,
        "Worker w2 sent no heartbeat for 6 min; recovery takes it over by 03:14:15 UTC from checkpoint 17, "
        "nothing in doubt.", Act.WAIT,
    ),
    "worker lost in a call": (
        running(4000, open_call=Call("send_email", "started", ago(400)), **LOST), HOUSE, Cause.WORKER_LOST,
        "Worker w2 sent no heartbeat for 6 min; recovery takes it over by 03:14:15 UTC from checkpoint 17, "
        "send_email had started and may be in doubt.", Act.WAIT,
    ),
    "worker lost, none left": (
        running(4000, **LOST), replace(HOUSE, workers=0), Cause.WORKER_LOST,
        "Worker w2 sent no heartbeat for 6 min; no other worker is running to take it over, nothing in "
        "doubt.",
        Act.START_WORKER,
    ),
    "worker ended": (
        running(worker=Worker(ago(9), ago(7))), HOUSE, Cause.WORKER_SILENT,
        "Worker w2 ended 7 s ago while it carried this run; recovery takes it over by 03:14:35 UTC from "
        "checkpoint 17, nothing in doubt.", Act.WAIT,
    ),
    "worker silent": (
        running(worker=Worker(ago(200))), HOUSE, Cause.WORKER_SILENT,
        "Worker w2 was last heard of 3 min ago, yet it still renews its lease on this run.", Act.CHECK_HEALTH,
    ),
    "clock ahead": (
        running(lease_until=ahead(3600), steps=0), HOUSE, Cause.CLOCK_AHEAD,
        "Worker w2 set its lease by a clock that is far ahead (04:14 UTC); recovery takes it over by "
        "03:14:15 UTC, nothing in doubt.", Act.CHECK_HEALTH,
    ),
    "approval": (
        facts("waiting_for_approval", 2460, pending=(ASKED,)), HOUSE, Cause.APPROVAL,
        "Waiting 41 min for approval of send_email, expires 05:10 UTC.", Act.DECIDE,
    ),
    "approval without a deadline": (
        facts("waiting_for_approval", 5, pending=(Asked("execute", ago(5)),)), HOUSE, Cause.APPROVAL,
        "Waiting 5 s for approval of execute.", Act.DECIDE,
    ),
    "approvals": (
        facts("waiting_for_approval", 2460, pending=(ASKED, *[Asked(n, ago(9)) for n in "aabcd"])), HOUSE,
        Cause.APPROVAL,
        "Waiting 41 min for 6 decisions (send_email, a, b and 2 more), the first expires 05:10 UTC.",
        Act.DECIDE,
    ),
    "approval overdue": (
        facts("waiting_for_approval", 90, pending=(replace(ASKED, expires_at=ago(60)),)), HOUSE,
        Cause.APPROVAL_OVERDUE,
        "The approval of send_email ran out at 03:13 UTC; the next sweep tells the model so.", Act.WAIT,
    ),
    "sandbox off": (
        facts("waiting_for_approval", 60, pending=(Asked("execute", ago(60)),)),
        replace(HOUSE, missing_tools={"execute": "No sandbox works here: bwrap is missing."}),
        Cause.TOOL_OFF,
        "Waiting 1 min for approval of execute, which is off on this machine: No sandbox works here: bwrap "
        "is missing.", Act.DECIDE,
    ),
    "nothing pending": (
        facts("waiting_for_approval", 90), HOUSE, Cause.NOTHING_PENDING,
        "It has waited for a decision for 1 min, yet nothing is pending.", Act.CANCEL,
    ),
    "in doubt": (
        facts("in_doubt", 720, open_call=Call("execute", "in_doubt", ago(800))), HOUSE, Cause.DOUBT,
        "In doubt for 12 min: nobody knows whether execute happened. It is not run again by itself.",
        Act.RESOLVE,
    ),
    "child": (
        facts("waiting_for_child", 30, blocker=Blocker("r2", "running")), HOUSE, Cause.CHILD,
        "Waits for a subagent's run for 30 s, which is running.", Act.OPEN_BLOCKER,
    ),
}  # fmt: skip

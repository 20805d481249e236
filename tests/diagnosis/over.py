"""The situations of runs that have ended."""

from __future__ import annotations

from runtime.diagnosis import Act, Call, Cause
from runtime.lifecycle import Why
from tests.diagnosis.rows import (
    HOUSE,
    Situation,
    facts,
    failed,
)

OVER: dict[str, Situation] = {
    "completed": (
        facts("completed", reason=Why.ANSWERED, output="Done."), HOUSE, Cause.COMPLETED,
        "Done after 12 s.", Act.NONE,
    ),
    "completed and compacted": (
        facts("completed", reason=Why.ANSWERED, output="Done.", checkpoint_gone=True), HOUSE, Cause.COMPLETED,
        "Done after 12 s. Its checkpoints were removed by maintenance; it can be run again from its "
        "request.", Act.NONE,
    ),
    "completed without closing words": (
        facts("completed", reason=Why.UNCLOSED, output=""), HOUSE, Cause.UNCLOSED,
        "Ended after 12 s without closing words; what it did stands in the transcript.", Act.CONTINUE,
    ),
    "cancelled at work": (
        facts("cancelled", reason="cancelled by olga: Enough, Olga", previous_state="running"), HOUSE,
        Cause.CANCELLED, "Cancelled by olga: Enough, Olga (while it was at work).", Act.RETRY,
    ),
    "cancelled while waiting": (
        facts("cancelled", reason="cancelled by olga", previous_state="waiting_for_approval"), HOUSE,
        Cause.CANCELLED, "Cancelled by olga (while it was waiting for approval).", Act.RETRY,
    ),
    "cancelled in doubt": (
        facts(
            "cancelled", reason="cancelled by olga", previous_state="in_doubt",
            open_call=Call("pay", "in_doubt"),
        ), HOUSE, Cause.NEVER_SETTLED,
        "Cancelled by olga (while it was in doubt); whether pay happened is not settled.", Act.RESOLVE,
    ),
    "key refused": (
        failed(Why.MODEL_FAILED, "The key was refused (401).", fault="key_refused"), HOUSE, Cause.KEY_REFUSED,
        "The key was refused (401).", Act.CHECK_WORKSPACE,
    ),
    "no such model": (
        failed(Why.MODEL_FAILED, "There is no model x (404)", fault="not_there"), HOUSE, Cause.NOT_THERE,
        "There is no model x (404)", Act.CHECK_WORKSPACE,
    ),
    "misconfigured": (
        failed(Why.MODEL_FAILED, "No request can be sent.", fault="misconfigured"), HOUSE,
        Cause.MISCONFIGURED, "No request can be sent.", Act.CHECK_WORKSPACE,
    ),
    "context overflow": (
        failed(Why.MODEL_FAILED, "Too long.", fault="context_overflow"), HOUSE, Cause.CONTEXT_OVERFLOW,
        "Too long.", Act.NEW_THREAD,
    ),
    "429 for good": (
        failed(Why.MODEL_FAILED, "Busy (429).", fault="rate_limited"), HOUSE, Cause.RATE_LIMITED,
        "Busy (429).", Act.RETRY,
    ),
    "provider down": (
        failed(Why.MODEL_FAILED, "Down (503).", fault="server_trouble"), HOUSE, Cause.PROVIDER_TROUBLE,
        "Down (503).", Act.RETRY,
    ),
    "unreachable": (
        failed(Why.MODEL_FAILED, "Nothing answers.", fault="unreachable"), HOUSE, Cause.UNREACHABLE,
        "Nothing answers.", Act.RETRY,
    ),
    "broke off": (
        failed(Why.MODEL_FAILED, "Cut. (The reply had begun.)", fault="cut_short"), HOUSE, Cause.BROKE_OFF,
        "Cut. (The reply had begun.)", Act.RETRY,
    ),
    "closed before it began": (
        failed(Why.MODEL_FAILED, "Closed.", fault="dropped"), HOUSE, Cause.PROVIDER_TROUBLE,
        "Closed.", Act.RETRY,
    ),
    "too slow": (
        failed(Why.MODEL_FAILED, "Nothing in 120 s.", fault="no_first_byte"), HOUSE, Cause.TOO_SLOW,
        "Nothing in 120 s.", Act.RETRY,
    ),
    "not the protocol": (
        failed(Why.MODEL_FAILED, "A web page.", fault="bad_answer"), HOUSE, Cause.BAD_ANSWER,
        "A web page.", Act.CHECK_WORKSPACE,
    ),
    "cut answer": (
        failed(Why.CUT, "Cut at its length limit."), HOUSE, Cause.CUT, "Cut at its length limit.",
        Act.CONTINUE,
    ),
    "withheld answer": (
        failed(Why.WITHHELD, "Withheld."), HOUSE, Cause.WITHHELD, "Withheld.", Act.CONTINUE,
    ),
    "no answer": (failed(Why.SILENT, "Nothing."), HOUSE, Cause.SILENT, "Nothing.", Act.RETRY),
    "limit of events": (
        failed(Why.EVENTS_LIMIT, "20000 events."), HOUSE, Cause.LIMIT, "20000 events.", Act.CHECK_WORKSPACE,
    ),
    "limit of turns": (
        failed(Why.TURNS_LIMIT, "50 turns."), HOUSE, Cause.LIMIT, "50 turns.", Act.CHECK_WORKSPACE,
    ),
    "limit of calls": (
        failed(Why.CALLS_LIMIT, "65 calls."), HOUSE, Cause.LIMIT, "65 calls.", Act.CHECK_WORKSPACE,
    ),
    "poison": (
        failed(Why.POISON, "5 workers in a row lost this run without any progress."), HOUSE, Cause.POISON,
        "5 workers in a row lost this run without any progress.", Act.READ_EVENTS,
    ),
    "defect": (
        failed(Why.INTERNAL, "An internal error."), HOUSE, Cause.INTERNAL, "An internal error.",
        Act.READ_EVENTS,
    ),
    "failed, nobody knows why": (
        failed("", ""), HOUSE, Cause.FAILED, "It failed, and no error was recorded.", Act.RETRY,
    ),
}  # fmt: skip

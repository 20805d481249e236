"""The persistence contract's table of contents: its operations, and the defects that it must not have.

A test's name begins with what it is about: `test_create_run__…`, `test_defect_07__…`.
"""

from __future__ import annotations

OPERATIONS = {
    "initialize": "creates or checks the schema and its metadata",
    "create_thread": "a thread, with its agent and its first run",
    "create_run": "a run in its thread, in the state that the lifecycle gives",
    "set_run_state": "the state, what it was before, its times; the thread follows",
    "append_event": "the whole event under thread, run and sequence",
    "list_sessions": "summaries of threads, newest change first",
    "get_session": "the summary of one thread, or none",
    "list_runs": "summaries of runs, newest change first",
    "get_run": "the summary of one run, or none",
    "get_thread_meta": "a thread's summary with workspace and entry agent, or none",
    "list_thread_runs": "the runs of a thread, newest first",
    "get_run_meta": "who a run is; raises when it is missing",
    "get_run_lifecycle": "where a run stands; raises when it is missing",
    "list_run_events": "a run's events by sequence",
    "create_approval": "a full record of what is asked",
    "get_approval": "one approval, or none",
    "list_approvals": "approvals by time of request, then id",
    "get_run_approvals": "those of one run",
    "resolve_approval": "sets status and time of one that belongs to thread and run",
    "save_run_request": "one per run: input, invocation, time",
    "get_run_request": "what was asked",
    "clear_run_request": "gone with its run",
    "save_recovery_intent": "how a run goes on from a decision",
    "get_recovery_intent": "what was decided, for the resume",
    "clear_recovery_intent": "gone with its run",
    "create_artifact": "a file below the run's directory and its row",
    "list_artifacts": "by time, then id",
    "read_artifact": "its content, or none",
    "append_thread_message": "one more message",
    "list_thread_messages": "the newest, oldest of them first",
    "delete_thread": "everything that belongs to it, and its files",
    "protected_checkpoint_threads": "those that checkpoint maintenance never touches",
}

DEFECTS = {
    1: "two reviewers both succeeded",
    2: "nothing told who decided, why, and what was edited",
    3: "any state could follow any state",
    4: "state changes at once lost history",
    5: "an older run's end spoke for its thread",
    6: "a repeated sequence replaced an event",
    7: "a crash left state, event and thread apart",
    8: "rows paired a thread with another thread's run; used ids moved rows",
    9: "an artifact's path led out of its folder",
    10: "a crash left an artifact's file without a row, or half of it",
    11: "a crashed run stayed running for ever",
    12: "a second pending approval overwrote the first one's intent",
    13: "a waiting run without checkpoint was resumable yet unprotected",
    14: "lists had neither filter nor bound",
    15: "foreign keys had no index",
    16: "a limit of -1 gave everything",
    17: "waiting for a lock blocked the whole process",
    18: "secrets were stored in clear",
    19: "anybody could do anything",
    20: "half-written metadata locked everybody out for ever",
}

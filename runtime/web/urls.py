"""The addresses of the pages. A page's fragments lie below its own address."""

from __future__ import annotations

from django.urls import path

from runtime.web.agents import agents
from runtime.web.approval import approval, approval_reveal, decide
from runtime.web.approvals import approvals, approvals_rows, pending_count
from runtime.web.board import board, board_live, live, start_run
from runtime.web.doubts import doubts, doubts_rows
from runtime.web.health import health, health_report
from runtime.web.maintenance import maintenance, maintenance_run
from runtime.web.run import (
    artifact,
    run,
    run_call,
    run_call_reveal,
    run_cancel,
    run_events,
    run_message,
    run_panel,
    run_resolve,
    run_retry,
    run_stream,
    run_transcript,
)
from runtime.web.runs import runs, runs_rows
from runtime.web.runs_bulk import runs_cancel, runs_cancel_now, runs_retry, runs_retry_now
from runtime.web.sign_in import sign_in, sign_in_link, sign_out
from runtime.web.theme import theme
from runtime.web.thread import (
    thread,
    thread_delete,
    thread_hold,
    thread_lift,
    thread_remove,
    thread_send,
    thread_talk,
)
from runtime.web.threads import threads, threads_rows
from runtime.web.waterfall import run_waterfall, run_waterfall_rows

urlpatterns = [
    path("", board, name="board"),
    path("board/live/", board_live, name="board_live"),
    path("live/", live, name="live"),
    path("start/", start_run, name="start_run"),
    path("runs/", runs, name="runs"),
    path("runs/rows/", runs_rows, name="runs_rows"),
    path("runs/cancel/", runs_cancel, name="runs_cancel"),
    path("runs/cancel/now/", runs_cancel_now, name="runs_cancel_now"),
    path("runs/retry/", runs_retry, name="runs_retry"),
    path("runs/retry/now/", runs_retry_now, name="runs_retry_now"),
    path("runs/<str:run_id>/", run, name="run"),
    path("runs/<str:run_id>/panel/", run_panel, name="run_panel"),
    path("runs/<str:run_id>/transcript/", run_transcript, name="run_transcript"),
    path("runs/<str:run_id>/waterfall/", run_waterfall, name="run_waterfall"),
    path("runs/<str:run_id>/waterfall/rows/", run_waterfall_rows, name="run_waterfall_rows"),
    path("runs/<str:run_id>/events/", run_events, name="run_events"),
    path("runs/<str:run_id>/stream", run_stream, name="run_stream"),
    path("runs/<str:run_id>/cancel/", run_cancel, name="run_cancel"),
    path("runs/<str:run_id>/retry/", run_retry, name="run_retry"),
    path("runs/<str:run_id>/resolve/", run_resolve, name="run_resolve"),
    path("runs/<str:run_id>/calls/<str:call_id>/", run_call, name="run_call"),
    path("runs/<str:run_id>/calls/<str:call_id>/reveal/", run_call_reveal, name="run_call_reveal"),
    path("runs/<str:run_id>/messages/<str:message_id>/", run_message, name="run_message"),
    path("runs/<str:run_id>/artifacts/<str:artifact_id>", artifact, name="artifact"),
    path("doubts/", doubts, name="doubts"),
    path("doubts/rows/", doubts_rows, name="doubts_rows"),
    path("threads/", threads, name="threads"),
    path("threads/rows/", threads_rows, name="threads_rows"),
    path("threads/<str:thread_id>/", thread, name="thread"),
    path("threads/<str:thread_id>/talk/", thread_talk, name="thread_talk"),
    path("threads/<str:thread_id>/send/", thread_send, name="thread_send"),
    path("threads/<str:thread_id>/remove/", thread_remove, name="thread_remove"),
    path("threads/<str:thread_id>/delete/", thread_delete, name="thread_delete"),
    path("threads/<str:thread_id>/hold/", thread_hold, name="thread_hold"),
    path("threads/<str:thread_id>/lift/", thread_lift, name="thread_lift"),
    path("approvals/", approvals, name="approvals"),
    path("approvals/rows/", approvals_rows, name="approvals_rows"),
    path("approvals/count/", pending_count, name="pending_count"),
    path("approvals/<str:approval_id>/", approval, name="approval"),
    path("approvals/<str:approval_id>/reveal/", approval_reveal, name="approval_reveal"),
    path("approvals/<str:approval_id>/decide/", decide, name="decide"),
    path("agents/", agents, name="agents"),
    path("maintenance/", maintenance, name="maintenance"),
    path("maintenance/<str:kind>/", maintenance_run, name="maintenance_run"),
    path("health/", health, name="health"),
    path("health/report/", health_report, name="health_report"),
    path("sign-in/", sign_in, name="sign_in"),
    path("sign-in/link/<str:token>/", sign_in_link, name="sign_in_link"),
    path("sign-out/", sign_out, name="sign_out"),
    path("theme/", theme, name="theme"),
]

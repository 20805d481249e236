"""The journal: the only writer of run states and events, and the acts that several floors need."""

from __future__ import annotations

from runtime.journal.calls import GatedCall, NotGranted, finish, keep_artifact, propose, shorten, start
from runtime.journal.claims import claim, epochs, hand_back, renew, requeue_orphan
from runtime.journal.create import NewRun, ThreadGone, create_run
from runtime.journal.entry import Entry, EventTooLarge, Fenced, Lease, RunGone, entry
from runtime.journal.settle import AlreadyDecided, DigestMismatch, Verdict, cancel, expire, settle
from runtime.journal.signals import ring, run_queued

__all__ = [
    "AlreadyDecided",
    "DigestMismatch",
    "Entry",
    "EventTooLarge",
    "Fenced",
    "GatedCall",
    "Lease",
    "NewRun",
    "NotGranted",
    "RunGone",
    "ThreadGone",
    "Verdict",
    "cancel",
    "claim",
    "create_run",
    "entry",
    "epochs",
    "expire",
    "finish",
    "hand_back",
    "keep_artifact",
    "propose",
    "renew",
    "requeue_orphan",
    "ring",
    "run_queued",
    "settle",
    "shorten",
    "start",
]

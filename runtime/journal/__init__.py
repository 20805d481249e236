"""The journal: the only writer of run states and events, and the acts that several floors need."""

from __future__ import annotations

from runtime.journal.calls import GatedCall, NotGranted, finish, keep_artifact, propose, shorten, start
from runtime.journal.claims import claim, epochs, hand_back, renew, requeue_orphan
from runtime.journal.create import NewRun, ThreadGone, create_run
from runtime.journal.doubts import NotInDoubt, call_in_doubt, doubt, give_up, resolve
from runtime.journal.entry import Entry, EventTooLarge, Fenced, Lease, RunGone, entry
from runtime.journal.settle import AlreadyDecided, DigestMismatch, Verdict, cancel, expire, settle
from runtime.journal.signals import ring, run_queued
from runtime.journal.threads import ThreadBusy, delete_thread, finish_deletion
from runtime.journal.transaction import release

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
    "NotInDoubt",
    "RunGone",
    "ThreadBusy",
    "ThreadGone",
    "Verdict",
    "call_in_doubt",
    "cancel",
    "claim",
    "create_run",
    "delete_thread",
    "doubt",
    "entry",
    "epochs",
    "expire",
    "finish",
    "finish_deletion",
    "give_up",
    "hand_back",
    "keep_artifact",
    "propose",
    "release",
    "renew",
    "requeue_orphan",
    "resolve",
    "ring",
    "run_queued",
    "settle",
    "shorten",
    "start",
]

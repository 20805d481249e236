"""The journal: the only writer of run states and events, and the acts that several floors need."""

from __future__ import annotations

from runtime.journal.calls import (
    GatedCall,
    NotGranted,
    call_of,
    finish,
    keep_artifact,
    propose,
    shorten,
    start,
)
from runtime.journal.claims import claim, claiming, epochs, hand_back, put_back, renew, requeue_orphan
from runtime.journal.create import NewRun, ThreadGone, create_run
from runtime.journal.denials import note_denial
from runtime.journal.doubts import NotInDoubt, call_in_doubt, doubt, give_up, resolve
from runtime.journal.entering import Overtaken, entry, prepared
from runtime.journal.entry import Entry, EventTooLarge, Fenced, Lease, RunGone
from runtime.journal.holds import HoldConflict, hold_thread, lift_hold
from runtime.journal.reveals import note_reveal
from runtime.journal.settle import AlreadyDecided, DigestMismatch, Verdict, cancel, expire, settle
from runtime.journal.signals import ring, run_queued
from runtime.journal.threads import ThreadBusy, ThreadHeld, delete_thread, finish_deletion
from runtime.journal.transaction import release

__all__ = [
    "AlreadyDecided",
    "DigestMismatch",
    "Entry",
    "EventTooLarge",
    "Fenced",
    "GatedCall",
    "HoldConflict",
    "Lease",
    "NewRun",
    "NotGranted",
    "NotInDoubt",
    "Overtaken",
    "RunGone",
    "ThreadBusy",
    "ThreadGone",
    "ThreadHeld",
    "Verdict",
    "call_in_doubt",
    "call_of",
    "cancel",
    "claim",
    "claiming",
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
    "hold_thread",
    "keep_artifact",
    "note_denial",
    "note_reveal",
    "lift_hold",
    "prepared",
    "propose",
    "put_back",
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

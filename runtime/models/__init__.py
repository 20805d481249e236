"""The records, one file per noun. Reads are queryset methods; writes are the journal's."""

from __future__ import annotations

from runtime.models.approval import Approval, DecisionRecord, RecoveryIntent
from runtime.models.artifact import Artifact
from runtime.models.denial import Denial
from runtime.models.event import Event
from runtime.models.health import HealthReport, HealthSample
from runtime.models.hold import Hold
from runtime.models.maintenance import MaintenancePass, MaintenanceTurn
from runtime.models.message import Checkpoint, ThreadMessage
from runtime.models.metadata import RuntimeMetadata
from runtime.models.people import ServiceAccount, SignInLink, TokenAct
from runtime.models.request import RunRequest
from runtime.models.reveal import Reveal
from runtime.models.run import Run
from runtime.models.thread import Thread
from runtime.models.tombstone import Tombstone
from runtime.models.tool_call import ToolCall
from runtime.models.worker import Worker

__all__ = [
    "Approval",
    "Artifact",
    "Checkpoint",
    "DecisionRecord",
    "Denial",
    "Event",
    "HealthReport",
    "HealthSample",
    "Hold",
    "MaintenancePass",
    "MaintenanceTurn",
    "RecoveryIntent",
    "Reveal",
    "Run",
    "RunRequest",
    "RuntimeMetadata",
    "ServiceAccount",
    "SignInLink",
    "Thread",
    "ThreadMessage",
    "TokenAct",
    "Tombstone",
    "ToolCall",
    "Worker",
]

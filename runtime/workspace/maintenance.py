"""The part of the workspace that says when maintenance comes; what it removes is in `retention`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from runtime.workspace.values import Count, Seconds, Spec, Switch

Enabled = Annotated[Switch, Field(description="Whether it comes by itself; a person may always start it.")]
Every = Annotated[Seconds, Field(description="From one pass to the next.", ge=60)]


class CheckpointMaintenance(Spec):
    """Passes over runs that have ended."""

    enabled: Enabled
    every_seconds: Every
    batch: Annotated[Count, Field(description="Rows that one transaction changes.", le=1_000)]


class RecordMaintenance(Spec):
    """Passes over threads and traces of the past."""

    enabled: Enabled
    every_seconds: Every


class Maintenance(Spec):
    """When what is not kept any more is removed."""

    checkpoints: Annotated[CheckpointMaintenance, Field(description="Of runs that have ended")]
    records: Annotated[RecordMaintenance, Field(description="Of threads, and of the past")]

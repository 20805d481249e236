"""`/maintenance`: what would be removed, what was, and a pass now."""

from __future__ import annotations

from typing import Any, Literal

from django.http import HttpRequest
from ninja import Router, Status
from pydantic import BaseModel, ConfigDict, Field

from runtime import actions
from runtime.api.auth import Needs, actor
from runtime.api.fields import Time
from runtime.models import MaintenancePass
from runtime.upkeep import maintenance

router = Router(tags=["maintenance"])
Kind = Literal["checkpoints", "records"]
PASSES = 50


class PassRecord(BaseModel):
    """One pass."""

    kind: Kind
    started_at: Time
    finished_at: Time | None = Field(description="Null while it is under way.")
    dry_run: bool
    requested_by: str = Field(description="Empty when its time had come.")
    done: dict[str, int] = Field(description="What was removed (or would be), in rows and bytes.")
    kept: dict[str, dict[str, int]] = Field(description="What stayed, by reason.")
    error: str | None = Field(description="Why it did not do everything.")


class MaintenanceRecord(BaseModel):
    """One kind of maintenance."""

    kind: Kind
    enabled: bool
    next_at: Time = Field(description="When it is due.")
    under_way: bool
    found: dict[str, int] = Field(description="What a pass would remove now.")
    kept: dict[str, dict[str, int]] = Field(description="What would stay, by reason.")


class MaintenanceReport(BaseModel):
    items: list[MaintenanceRecord]
    passes: list[PassRecord] = Field(description=f"The newest {PASSES}.")


class PassRequest(BaseModel):
    """How the pass is to be made."""

    model_config = ConfigDict(extra="forbid")

    dry_run: bool = Field(False, description="Count, and remove nothing.")


class Accepted(BaseModel):
    detail: str


@router.get("", response=MaintenanceReport, summary="Preview maintenance")
def get_maintenance(request: HttpRequest) -> dict[str, Any]:
    """What a pass of each kind would remove now, and the passes of late."""
    passes = MaintenancePass.objects.newest()[:PASSES]
    return {"items": maintenance.overview(), "passes": [_show(current) for current in passes]}


@router.post(
    "/{kind}", auth=Needs("administrator"), response={200: PassRecord, 202: Accepted}, summary="Make a pass"
)
def make_pass(request: HttpRequest, kind: Kind, body: PassRequest) -> Any:
    """With `dry_run` it is counted now (200), else a worker begins at once (202)."""
    if body.dry_run:
        return _show(maintenance.dry_run(kind, requested_by=actor(request).name))
    actions.want_maintenance(actor(request), kind)
    return Status(202, {"detail": f"A worker makes the {kind} maintenance now."})


def _show(current: MaintenancePass) -> dict[str, Any]:
    return {
        "kind": current.kind,
        "started_at": current.started_at,
        "finished_at": current.finished_at,
        "dry_run": current.dry_run,
        "requested_by": current.requested_by,
        "done": current.done_json,
        "kept": current.kept_json,
        "error": current.error or None,
    }

"""`/health`: how the installation is, check by check."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Router
from pydantic import BaseModel, Field

from runtime.api.fields import Time
from runtime.upkeep import health

router = Router(tags=["health"])
Status = Literal["healthy", "degraded", "unhealthy", "unknown"]


class CheckRecord(BaseModel):
    """One thing that is looked at."""

    name: str
    status: Status
    critical: bool = Field(description="Counts for the whole.")
    reason: str = Field(description="One sentence.")
    value: float | None = Field(description="The figure behind it.")
    unit: str = Field(description="Of the value.")
    since: Time = Field(description="When it got this status.")


class HealthRecord(BaseModel):
    """The health report. The status is the worst critical one; `unknown` counts as healthy."""

    status: Literal["healthy", "degraded", "unhealthy"]
    sampled_at: Time
    checks: list[CheckRecord]


@router.get("/health", response=HealthRecord, summary="Get the health report")
def get_health(request: HttpRequest) -> dict[str, Any]:
    return health.present(datetime.now(UTC)).document()

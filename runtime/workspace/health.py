"""The health monitor's part of the workspace: how often it looks, and from where on something is a fault."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from runtime.workspace.values import Count, Seconds, Spec, as_number

Level = Annotated[float, BeforeValidator(as_number), Field(gt=0, allow_inf_nan=False)]
Percent = Annotated[float, BeforeValidator(as_number), Field(ge=0, le=100, allow_inf_nan=False)]


class Rising(Spec):
    """The more, the worse: from `degraded` on degraded, from `unhealthy` on unhealthy."""

    degraded: Annotated[Level, Field(description="degraded from here on.")]
    unhealthy: Annotated[Level, Field(description="unhealthy from here on.")]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.unhealthy < self.degraded:
            raise ValueError("must have an unhealthy that is not below degraded")
        return self


class Falling(Spec):
    """The less, the worse: below `degraded` degraded, below `unhealthy` unhealthy."""

    degraded: Annotated[Percent, Field(description="degraded below.")]
    unhealthy: Annotated[Percent, Field(description="unhealthy below.")]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.unhealthy > self.degraded:
            raise ValueError("must have an unhealthy that is not above degraded")
        return self


class Health(Spec):
    """What the health monitor goes by."""

    sample_seconds: Annotated[Seconds, Field(description="Between two looks.", ge=1, le=60)]
    store_seconds: Annotated[Seconds, Field(description="Between two samples kept while nothing changes.")]
    database_seconds: Annotated[Rising, Field(description="Until a write to the database is possible")]
    worker_silence_seconds: Annotated[Rising, Field(description="Since the last worker was heard of")]
    oldest_queued_seconds: Annotated[Rising, Field(description="Age of the oldest run that could start")]
    stuck_runs: Annotated[Rising, Field(description="Runs of a lost worker that nobody took up again")]
    oldest_approval_seconds: Annotated[Rising, Field(description="Age of the oldest pending approval")]
    pending_approvals: Annotated[Rising, Field(description="Pending approvals")]
    provider_window_seconds: Annotated[Seconds, Field(description="How far back model calls are looked at.")]
    provider_least_calls: Annotated[
        Count,
        Field(description="With fewer calls nothing is said; so many good ones in a row end the trouble."),
    ]
    provider_failures_percent: Annotated[Rising, Field(description="Failed calls of one model")]
    exhausted_recoveries: Annotated[
        Rising, Field(description="Runs of the last day that lost too many workers, not retried since")
    ]
    free_disk_percent: Annotated[Falling, Field(description="Free space where the data directory lies")]
    maintenance_intervals: Annotated[
        Rising, Field(description="Intervals since the last maintenance pass that succeeded")
    ]
    clock_seconds: Annotated[Rising, Field(description="A worker's clock beside the database's")]

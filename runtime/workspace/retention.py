"""The part of the workspace that says how long records stay; `maintenance` says when the others go."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from runtime.workspace.values import Count, Spec, as_number

Days = Annotated[float, BeforeValidator(as_number), Field(ge=0, le=36_500, allow_inf_nan=False)]


class CheckpointRetention(Spec):
    """What stays of runs that have ended; all of it in a thread that is held or where a run has not ended."""

    keep_days: Annotated[Days, Field(description="The checkpoints of a run stay so long after its end.")]
    keep_runs: Annotated[
        Count, Field(description="The checkpoints of so many newest runs of a thread stay longer …")
    ]
    keep_bytes: Annotated[Count, Field(description="… unless all checkpoints together are larger than this.")]
    keep_text_seconds: Annotated[
        float,
        BeforeValidator(as_number),
        Field(
            description="The text in a run's `output.delta` events stays so long after its end.",
            ge=0,
            le=31_536_000,
            allow_inf_nan=False,
        ),
    ]


class RecordRetention(Spec):
    """Which threads stay, with all that belongs to them, and what else of the past."""

    keep_days: Annotated[Days, Field(description="A thread stays so long after its last change …")]
    keep_threads: Annotated[Count, Field(description="… while it is among so many newest.")]
    keep_decisions_days: Annotated[
        Days, Field(description="Decisions and reveals of deleted threads stay so long in the audit.")
    ]
    keep_traces_days: Annotated[
        Days,
        Field(description="Used sign-in links, sign-ins, denials, rows of workers and passes stay so long."),
    ]
    keep_samples_days: Annotated[Days, Field(description="Samples of the health monitor stay so long.")]


class Retention(Spec):
    """What stays for how long."""

    checkpoints: Annotated[CheckpointRetention, Field(description="Of runs that have ended")]
    records: Annotated[RecordRetention, Field(description="Of threads, and of the past")]

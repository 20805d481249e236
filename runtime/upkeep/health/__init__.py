"""Health: readings of what can go wrong, verdicts by the workspace's limits, samples kept by the workers."""

from __future__ import annotations

from runtime.upkeep.health.limits import sample_seconds
from runtime.upkeep.health.reports import Present, forget, present
from runtime.upkeep.health.sampler import Sampler
from runtime.upkeep.health.verdicts import BY_NAME, RANK, Check, Status

__all__ = [
    "BY_NAME",
    "RANK",
    "Check",
    "Present",
    "Sampler",
    "Status",
    "forget",
    "present",
    "sample_seconds",
]

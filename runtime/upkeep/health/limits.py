"""By which limits health is judged."""

from __future__ import annotations

from runtime.upkeep import last_good
from runtime.workspace.health import Health


def of_health() -> Health:
    """Its limits for the health."""
    return last_good.current().health


def sample_seconds() -> float:
    """Between two samples."""
    return of_health().sample_seconds

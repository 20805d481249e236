"""What time does: recovery, expiry, re-queueing."""

from __future__ import annotations

from runtime.upkeep.recovery import expire_approvals, requeue_orphans, ring_queued


def sweep() -> dict[str, int]:
    """One sweep: `{"recovered", "expired", "rung"}`."""
    return {"recovered": requeue_orphans(), "expired": expire_approvals(), "rung": ring_queued()}

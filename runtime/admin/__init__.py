"""`/admin/`: every record to look at, for administrators; people and tokens to look after.

Records are read-only for everyone, superusers included. What may be changed here is who may come in: people,
their roles and passwords, and whether a token is refused. Each such change leaves a log entry.
"""

from __future__ import annotations

from runtime.admin import people, records, surroundings, tokens, upkeep  # noqa: F401  (importing registers them)
from runtime.admin.site import site

__all__ = ["site"]

"""Types of what goes out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import PlainSerializer, WithJsonSchema

from runtime.api.strict import EXAMPLE_ID
from runtime.events import iso

#: ISO 8601, UTC, microseconds, `Z`.
Time = Annotated[
    datetime,
    PlainSerializer(iso, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-01-31T12:00:00.000000Z"]}),
]
RecordId = Annotated[str, WithJsonSchema({"type": "string", "examples": [EXAMPLE_ID]})]

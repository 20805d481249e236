"""Why a verb refused. Nothing was written.

Refused
├── NotFound    404  there is no such thing (any more), or not for this person
├── Forbidden   403  the role is too low
├── Conflict    409  the state does not allow it; `extra` says what it is
├── Invalid     422  the input breaks a rule; `errors` says which field and why
├── NoWorkspace 503  the workspace cannot be loaded; somebody is editing it
└── NoRoom      507  the disk is full; nothing new is started
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Refused(Exception):
    """`status` is the HTTP status, `title` a few words, `detail` one sentence for a person."""

    status = 400
    title = "Refused"

    def __init__(
        self,
        detail: str,
        *,
        errors: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = dict(errors or {})
        self.extra = dict(extra or {})


class NotFound(Refused):
    status = 404
    title = "Not found"


class Forbidden(Refused):
    status = 403
    title = "Role too low"


class Conflict(Refused):
    status = 409
    title = "Conflict"


class NoWorkspace(Refused):
    status = 503
    title = "No workspace"


class NoRoom(Refused):
    status = 507
    title = "No room"


class Invalid(Refused):
    status = 422
    title = "Invalid input"

    @classmethod
    def field(cls, name: str, sentence: str) -> Invalid:
        """A refusal about one field."""
        return cls(sentence, errors={name: sentence})

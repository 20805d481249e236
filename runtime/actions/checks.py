"""Checks that several verbs share: the role, and text that people send."""

from __future__ import annotations

import os
from typing import Any, TypeVar

from django.conf import settings

from runtime import canonical, catalogue
from runtime.access import Actor
from runtime.actions.errors import Forbidden, Invalid, NoWorkspace
from runtime.redaction import Redactor
from runtime.workspace import WorkspaceError

T = TypeVar("T")


def need(actor: Actor, *roles: str) -> None:
    """Raises Forbidden unless the actor has one of the roles."""
    if not any(actor.may(role) for role in roles):
        raise Forbidden(f"This needs the role {' or '.join(roles)}.")


def present() -> catalogue.Catalogue:
    """The catalogue as it is now; raises NoWorkspace while the workspace cannot be loaded."""
    try:
        return catalogue.current()
    except WorkspaceError as error:
        raise NoWorkspace(f"The workspace cannot be loaded: {error}") from error


def text(name: str, value: Any, *, most_bytes: int, required: bool = True) -> str:
    """A text field as given; raises Invalid when it is missing, too long, holds a configured secret, or
    cannot be stored and shown."""
    if value is None:
        value = ""
    if not isinstance(value, str):
        raise Invalid.field(name, f"{name} must be text.")
    if required and not value.strip():
        raise Invalid.field(name, f"{name} must not be empty.")
    if canonical.SURROGATE.search(value) or "\x00" in value:
        raise Invalid.field(name, f"{name} contains a character that is not text (NUL or half a surrogate).")
    size = len(value.encode())
    if size > most_bytes:
        raise Invalid.field(name, f"{name} has {size} bytes; at most {most_bytes} are allowed.")
    return _without_secret(name, value)


def json_object(name: str, value: Any) -> dict[str, Any]:
    """A JSON object that can be stored unambiguously and holds no configured secret; raises Invalid."""
    if not isinstance(value, dict):
        raise Invalid.field(name, f"{name} must be a JSON object.")
    try:
        parsed: dict[str, Any] = canonical.parse(canonical.encode(value))
    except canonical.BadJson as error:
        raise Invalid.field(name, f"{name}: {error}") from error
    return _without_secret(name, parsed)


def _without_secret(name: str, value: T) -> T:
    # Refused, not redacted: the model is to read a person's words as they were meant, or not at all.
    known = _redactor() if value else None
    if known and (known.holds(value) if isinstance(value, str) else known.holds_in(value)):
        raise Invalid.field(
            name, f"{name} contains a secret of this installation, and would be kept: leave it out."
        )
    return value


def _redactor() -> Redactor:
    try:
        return catalogue.current().redactor
    except WorkspaceError:  # a run can be cancelled all the same
        return Redactor([os.environ.get("HARNESS_MODEL_API_KEY", "").strip(), settings.SECRET_KEY])

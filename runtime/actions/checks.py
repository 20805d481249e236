"""Checks that several verbs share: the role, and text that people send."""

from __future__ import annotations

from typing import Any

from runtime import canonical
from runtime.access import Actor
from runtime.actions.errors import Forbidden, Invalid


def need(actor: Actor, role: str) -> None:
    """Raises Forbidden unless the actor has the role."""
    if not actor.may(role):
        raise Forbidden(f"This needs the role {role}.")


def text(name: str, value: Any, *, most_bytes: int, required: bool = True) -> str:
    """A text field as given; raises Invalid when it is missing, too long, or cannot be stored and shown."""
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
    return value


def json_object(name: str, value: Any) -> dict[str, Any]:
    """A JSON object that can be stored unambiguously; raises Invalid."""
    if not isinstance(value, dict):
        raise Invalid.field(name, f"{name} must be a JSON object.")
    try:
        parsed: dict[str, Any] = canonical.parse(canonical.encode(value))
    except canonical.BadJson as error:
        raise Invalid.field(name, f"{name}: {error}") from error
    return parsed

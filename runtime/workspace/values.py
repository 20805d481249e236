"""What the specs are made of: kinds of values, and the base of every spec."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
)

from runtime.workspace.problems import NAME


class FromEnvironment(str):
    """A text whose characters came from an environment variable: may stand for a number, is never shown."""

    __slots__ = ()


def as_number(value: Any) -> Any:
    if isinstance(value, FromEnvironment):
        for kind in (int, float):
            try:
                return kind(value)
            except ValueError:
                continue
    return value


def _switch(value: Any) -> Any:
    return {"true": True, "false": False}.get(value, value) if isinstance(value, FromEnvironment) else value


def _base_url(value: str, info: ValidationInfo) -> str:
    if not value or info.data.get("provider") != "openai_compatible":
        return value
    try:
        parts = urlsplit(value)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        raise ValueError("must be an address like http://localhost:8080/v1") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_valid:
        raise ValueError("must be an address like http://localhost:8080/v1")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must not hold a user, a password or a query; a key belongs in api_key")
    return value.rstrip("/")


Name = Annotated[str, StringConstraints(pattern=NAME)]
Glob = Annotated[str, StringConstraints(min_length=1, max_length=1_000)]
Switch = Annotated[bool, BeforeValidator(_switch)]
Count = Annotated[int, BeforeValidator(as_number), Field(ge=1)]
Seconds = Annotated[float, BeforeValidator(as_number), Field(gt=0, le=31_536_000, allow_inf_nan=False)]
Number = Annotated[float, BeforeValidator(as_number), Field(allow_inf_nan=False)]
BaseUrl = Annotated[str, AfterValidator(_base_url)]


class Spec(BaseModel):
    """Base of all specs: unknown keys forbidden, nothing converted, nothing changed afterwards."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)

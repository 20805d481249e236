"""The bodies of decisions, and deciding several in one call."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import DatabaseError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from runtime import actions, outage
from runtime.access import Actor
from runtime.api.problems import sentence_of
from runtime.api.strict import EXAMPLE_ID, Body, Id
from runtime.lifecycle import Decision

MAX_ITEMS = 200
DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


class DecideApproval(Body):
    """What is decided, about what was shown."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"decision": "approve", "digest": DIGEST},
                {"decision": "reject", "digest": DIGEST, "reason": "Write it below drafts/ instead."},
                {"decision": "edit", "digest": DIGEST, "arguments": {"path": "a.txt", "content": "hi"}},
                {"decision": "respond", "digest": DIGEST, "content": "The file is there already."},
            ]
        }
    )

    decision: Decision = Field(strict=False)
    digest: str = Field(min_length=1, max_length=200, description="`digest` of the approval as it was shown.")
    arguments: dict[str, Any] | None = Field(None, description="With edit: what runs instead.")
    reason: str | None = Field(None, description="With reject: reaches the model word for word.")
    content: str | None = Field(None, description="With respond: stands in for the tool's result.")


class DecideItem(DecideApproval):
    approval_id: Id


class DecideMany(Body):
    """Several decisions; each as the single one takes it, with its `approval_id`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"items": [{"approval_id": EXAMPLE_ID, "decision": "approve", "digest": DIGEST}]}]
        }
    )

    items: list[dict[str, Any]] = Field(min_length=1, max_length=MAX_ITEMS)


class ItemResult(BaseModel):
    """What became of one item."""

    approval_id: str | None
    status: int = Field(
        description="200, 404, 409 or 422; 503 or 507 when the records could not be used for this one",
        examples=[200],
    )
    detail: str | None


class ManyResults(BaseModel):
    items: list[ItemResult]


def decide_each(actor: Actor, items: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """One result per item, in order; none depends on another. When the records cannot be used for one, what
    was decided before stands, and no more is tried."""
    results: list[dict[str, Any]] = []
    away: outage.Outage | None = None
    for item in items:
        if away is None:
            try:
                results.append(_decide(actor, item))
            except DatabaseError as error:
                away = outage.of(error)
                if away is None:
                    raise
        if away is not None:
            results.append({"approval_id": _named(item), "status": away.status, "detail": away.sentence})
    return results


def _named(item: dict[str, Any]) -> str | None:
    named = item.get("approval_id")
    return named[:64] if isinstance(named, str) else None


def _decide(actor: Actor, item: dict[str, Any]) -> dict[str, Any]:
    approval_id = _named(item)
    try:
        asked = DecideItem.model_validate(item)
        actions.decide_approval(
            actor,
            asked.approval_id,
            asked.decision,
            asked.digest,
            arguments=asked.arguments,
            reason=asked.reason,
            content=asked.content,
            among_others=True,
        )
    except ValidationError as error:
        return {"approval_id": approval_id, "status": 422, "detail": sentence_of(error.errors())}
    except actions.Refused as refused:
        return {"approval_id": approval_id, "status": refused.status, "detail": refused.detail}
    return {"approval_id": approval_id, "status": 200, "detail": None}

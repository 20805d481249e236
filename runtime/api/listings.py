"""`/agents`, `/tools`, `/models`: the workspace as loaded. Secrets are never shown."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Router
from pydantic import BaseModel, ConfigDict, Field

from runtime import catalogue
from runtime.api import paging
from runtime.api.paging import Page, Paged
from runtime.api.strict import Query

router = Router(tags=["workspace"])


class AgentRecord(BaseModel):
    """An agent; further fields as its specification has them."""

    model_config = ConfigDict(extra="allow")

    name: str
    description: str
    model: str
    execution_mode: str
    tools: list[str] = Field(description="The tools that it really has.")
    default: bool


class ToolRecord(BaseModel):
    """A tool that agents may have."""

    name: str
    version: str
    description: str
    parameters: dict[str, Any] = Field(description="JSON schema of the arguments.")
    read_only: bool
    repeatable: bool = Field(description="May run again after a crash.")
    irreversible: bool
    timeout_seconds: float


class ModelRecord(BaseModel):
    """A model; further fields as its specification has them."""

    model_config = ConfigDict(extra="allow")

    name: str
    provider: str
    model: str
    has_api_key: bool
    default: bool


@router.get("/agents", response=Page[AgentRecord], summary="List agents")
def list_agents(request: HttpRequest, filters: Annotated[Paged, Query()]) -> dict[str, Any]:
    return _page("agents", catalogue.current().list_agents(), filters)


@router.get("/tools", response=Page[ToolRecord], summary="List tools")
def list_tools(request: HttpRequest, filters: Annotated[Paged, Query()]) -> dict[str, Any]:
    return _page("tools", catalogue.current().list_tools(), filters)


@router.get("/models", response=Page[ModelRecord], summary="List models")
def list_models(request: HttpRequest, filters: Annotated[Paged, Query()]) -> dict[str, Any]:
    return _page("models", catalogue.current().list_models(), filters)


def _page(kind: str, items: list[dict[str, Any]], filters: Paged) -> dict[str, Any]:
    start = paging.number(kind, filters.cursor) or 0
    end = start + filters.limit
    more = paging.after_number(kind, end) if end < len(items) else None
    return {"items": items[start:end], "next_cursor": more}

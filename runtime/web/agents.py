"""`/agents/`: the workspace as it is loaded: agents, models, tools, rules. Keys are never shown."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from runtime import catalogue
from runtime.web.page import PageRequest, page
from runtime.workspace import WorkspaceError


@page()
def agents(request: PageRequest) -> HttpResponse:
    """The page; a workspace that cannot be read shows its errors instead."""
    ctx: dict[str, Any] = {"here": "agents"}
    try:
        present = catalogue.current()
    except WorkspaceError as error:
        return render(request, "agents/agents.html", ctx | {"problems": error.problems})
    ctx |= {
        "agents": present.list_agents(),
        "models": present.list_models(),
        "tools": present.list_tools(),
        "rules": present.workspace.rules,
        "missing": catalogue.missing(),
    }
    return render(request, "agents/agents.html", ctx)

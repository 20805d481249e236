"""The form that starts a run, wherever it stands: agents to choose from, examples to begin with."""

from __future__ import annotations

from typing import Any

from django.http import QueryDict

from runtime import actions, canonical, catalogue
from runtime.models.base import new_id
from runtime.workspace import WorkspaceError

DEMONSTRATION = "scripted"  #: what the workspace calls the provider of the demonstration model
#: What the embedded demonstration model understands.
EXAMPLES = (
    "Plan: list files, write a line about bees to notes.txt, read notes.txt",
    'Write "Hello, world" to hello.txt',
    "List files",
    "What is 17 * 23?",
)


def form_context(
    typed: str = "", agent: str | None = None, problem: actions.Refused | None = None
) -> dict[str, Any]:
    """What `start/_form.html` shows."""
    ctx: dict[str, Any] = {"typed": typed, "chosen": agent, "problem": _problem(typed, problem)}
    ctx["key"] = new_id()
    try:
        present = catalogue.current()
    except WorkspaceError as error:
        return ctx | {"agents": [], "workspace_problem": str(error), "problem": ""}
    default = present.workspace.routing.default_agent
    demonstrated = _is_demonstration(present, agent or default)
    return ctx | {
        "agents": present.list_agents(),
        "default_agent": default,
        "demonstrated": demonstrated,
        "examples": EXAMPLES if demonstrated else (),
    }


def once(post: QueryDict, *said: str | None) -> str | None:
    """The idempotency key of a form: sent again with the same words it starts nothing more. With other words
    (the page was gone back to) it is another request, and no misuse of the key."""
    key = canonical.storable(post.get("key", ""))
    return (
        canonical.digest(["form", key, *(canonical.storable(word or "") for word in said)]) if key else None
    )


def _is_demonstration(present: catalogue.Catalogue, agent: str) -> bool:
    """Whether the demonstration model answers for the agent."""
    spec = present.workspace.agents.get(agent)
    model = present.workspace.models.get(spec.model) if spec else None
    return model is not None and model.provider == DEMONSTRATION


def _problem(typed: str, problem: actions.Refused | None) -> str:
    """Why it was refused, in words that do not name the API's fields."""
    if problem is None:
        return ""
    if "input" not in problem.errors:
        return problem.detail
    if not typed.strip():
        return "Say first what the agent should do."
    return (
        problem.detail.replace("input ", "What you wrote ", 1)
        if problem.detail.startswith("input ")
        else problem.detail
    )


def agent_names() -> list[str]:
    """The agents of the workspace; none when it cannot be read."""
    try:
        return sorted(catalogue.current().workspace.agents)
    except WorkspaceError:
        return []

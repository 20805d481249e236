"""Names in a workspace that point to something in it: does that exist?"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from runtime.workspace.problems import Identity, Path, Problem, nearest
from runtime.workspace.specs import Workspace

WORKSPACE: Identity = ("Workspace", "")
MODELS: Identity = ("Models", "")


def dangling(workspace: Workspace) -> Iterator[Problem]:
    """A problem for each name that leads nowhere, and for each model that cannot be reached."""
    routing = workspace.routing
    if routing.default_agent not in workspace.agents:
        message = f"names no agent; {nearest(routing.default_agent, workspace.agents)}"
        yield workspace.problem(WORKSPACE, ("spec", "routing", "default_agent"), message)
    if routing.default_model not in workspace.models:
        message = f"names no model; {nearest(routing.default_model, workspace.models)}"
        yield workspace.problem(WORKSPACE, ("spec", "routing", "default_model"), message)
    for agent in workspace.agents.values():
        if agent.model not in workspace.models and agent.model != routing.default_model:
            message = f"names no model; {nearest(agent.model, workspace.models)}"
            yield workspace.problem(("Agent", agent.name), ("spec", "model"), message)
    yield from _unreachable(workspace)
    yield from _rules(workspace)


def unknown_tools(workspace: Workspace, known: Collection[str]) -> Iterator[Problem]:
    """A problem for each tool that is named, not by a glob, and does not exist.

    Also in rules: a deny rule with a slip in its name would silently deny nothing.
    """
    named: list[tuple[Identity, Path, str]] = []
    for name in workspace.tools:
        named.append((("Tools", ""), ("spec", "tools", name), name))
    for agent in workspace.agents.values():
        for index, glob in enumerate(agent.tools):
            named.append((("Agent", agent.name), ("spec", "tools", index), glob))
    for index, rule in enumerate(workspace.rules):
        named.append((WORKSPACE, ("spec", "approvals", "rules", index, "tool"), rule.tool))
    for identity, path, name in named:
        if name not in known and not {"*", "?"} & set(name):
            yield workspace.problem(identity, path, f"names no tool; {nearest(name, known)}")


def _unreachable(workspace: Workspace) -> Iterator[Problem]:
    for model in workspace.models.values():
        place: Path = ("spec", "models", model.name)
        if model.provider == "openai_compatible":
            for key, value in (("base_url", model.base_url), ("model", model.model)):
                if not value:
                    yield workspace.problem(MODELS, (*place, key), f"is missing; {model.provider} needs it.")


def _rules(workspace: Workspace) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, rule in enumerate(workspace.rules):
        if rule.name in seen:
            # The name stands in the records as the reason for a decision: it must mean one rule.
            path: Path = ("spec", "approvals", "rules", index, "name")
            yield workspace.problem(WORKSPACE, path, "is the name of an earlier rule, too.")
        seen.add(rule.name)

"""One loaded workspace with the tools that exist: lists, resolves and binds."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from django.conf import settings
from pydantic import SecretStr

from runtime import gate, log, providers, tools, workspace
from runtime.catalogue.resolved import Connection, ResolvedAgent
from runtime.providers.retry import RetryPolicy
from runtime.redaction import Redactor
from runtime.tools import Tool
from runtime.workspace import AgentSpec, Limits, ModelSpec, Retry, Timeouts, Workspace, WorkspaceError

MOST_BOUND = 64  #: agents kept as bound


class UnknownAgent(LookupError):
    """There is no such agent; `str()` is a sentence that names the known ones."""


class Catalogue:
    """One loaded workspace with the tools that exist; raises WorkspaceError when they do not fit together."""

    def __init__(self, loaded: Workspace) -> None:
        self.workspace = loaded
        self._resolved: dict[str, dict[str, Any]] = {}
        self._bound: dict[str, ResolvedAgent] = {}
        self.redactor = Redactor(_secrets(loaded))  #: knows every configured secret
        log.keep_out(self.redactor)
        builtin = tools.builtin()
        problems = list(workspace.unknown_tools(loaded, tools.KNOWN))
        if problems:
            raise WorkspaceError(problems)
        self.tools: Mapping[str, Tool] = MappingProxyType(
            {name: self._configured(tool) for name, tool in builtin.items() if self._enabled(name)}
        )

    def agent(self, name: str | None) -> AgentSpec:
        """The agent of this name, the default one for None; raises UnknownAgent."""
        wanted = self.workspace.routing.default_agent if name is None else name
        found = self.workspace.agents.get(wanted)
        if found is None:
            known = ", ".join(sorted(self.workspace.agents))
            raise UnknownAgent(f"There is no agent {wanted[:100]!r}; there are {known}.")
        return found

    def resolve(self, name: str | None) -> Mapping[str, Any]:
        """JSON of everything that a run of this agent needs, without keys; raises UnknownAgent."""
        agent = self.agent(name)
        if agent.name not in self._resolved:
            self._resolved[agent.name] = self._resolve(agent)
        return self._resolved[agent.name]

    def _resolve(self, agent: AgentSpec) -> dict[str, Any]:
        shared = self.workspace.model_dump(mode="json", include={"limits", "retry", "timeouts"})
        return {
            "agent": agent.model_dump(mode="json", exclude={"model", "tools"}),
            "model": _public(self.workspace.models[agent.model]),
            "rules": [rule.model_dump(mode="json") for rule in self.workspace.rules],
            "tools": self._tools_of(agent),
            **shared,
        }

    def bind_text(self, resolved: str) -> ResolvedAgent:
        """The same from JSON text; runs that were started alike share what comes of it."""
        found = self._bound.get(resolved)
        if found is None:
            found = self.bind(json.loads(resolved))
            if len(self._bound) >= MOST_BOUND:
                self._bound.clear()
            self._bound[resolved] = found
        return found

    def bind(self, resolved: Mapping[str, Any]) -> ResolvedAgent:
        """The agent that `resolve` described; tools that are gone or switched off since are left out."""
        agent, model = resolved["agent"], resolved["model"]
        limits = Limits.model_validate(_over(self.workspace.limits, resolved.get("limits", {})))
        retry = Retry.model_validate(_over(self.workspace.retry, resolved.get("retry", {})))
        timeouts = Timeouts.model_validate(_over(self.workspace.timeouts, resolved.get("timeouts", {})))
        return ResolvedAgent(
            name=agent["name"],
            instructions=agent["instructions"],
            model=model["model"],
            rules=tuple(_rule(rule) for rule in resolved["rules"]),
            tools=MappingProxyType(
                {name: self.tools[name] for name in resolved["tools"] if name in self.tools}
            ),
            limits=limits,
            retry=RetryPolicy(**retry.model_dump(exclude={"hold_seconds"})),
            hold_seconds=retry.hold_seconds,
            max_turns=agent["max_turns"] or limits.model_turns,
            temperature=model["temperature"],
            max_output_tokens=model["max_output_tokens"],
            context_window=model["context_window"],
            stream=model["stream"],
            connection=Connection(
                model["provider"], model["base_url"], self._key(model), _timeouts(timeouts)
            ),
            redactor=self.redactor,
        )

    def list_agents(self) -> list[dict[str, Any]]:
        """All agents: the keys of the spec, `tools` as the names it really has, and `default`."""
        default = self.workspace.routing.default_agent
        return [
            agent.model_dump(mode="json") | {"tools": self._tools_of(agent), "default": agent.name == default}
            for agent in sorted(self.workspace.agents.values(), key=lambda agent: agent.name)
        ]

    def list_tools(self) -> list[dict[str, Any]]:
        """All tools that agents may have."""
        keys = (
            *("name", "version", "description", "timeout_seconds"),
            *("read_only", "repeatable", "irreversible"),
        )
        return [
            {key: getattr(tool, key) for key in keys} | {"parameters": dict(tool.parameters)}
            for tool in self.tools.values()
        ]

    def list_models(self) -> list[dict[str, Any]]:
        """All models; of a key only whether there is one: `has_api_key`."""
        default = self.workspace.routing.default_model
        return [
            _public(model)
            | {"has_api_key": bool(model.api_key.get_secret_value()), "default": name == default}
            for name, model in sorted(self.workspace.models.items())
        ]

    def _tools_of(self, agent: AgentSpec) -> list[str]:
        return [name for name in self.tools if any(gate.matches_glob(name, glob) for glob in agent.tools)]

    def _enabled(self, name: str) -> bool:
        spec = self.workspace.tools.get(name)
        return spec is None or spec.enabled

    def _configured(self, tool: Tool) -> Tool:
        spec = self.workspace.tools.get(tool.name)
        own = spec.timeout_seconds if spec else None
        return replace(tool, timeout_seconds=own or self.workspace.timeouts.tool_seconds)

    def _key(self, model: Mapping[str, Any]) -> SecretStr:
        # A key belongs to an address. When the workspace points this name elsewhere by now, the run goes on
        # with the old address, which must not be given the new one's key.
        now = self.workspace.models.get(model["name"])
        if now is None or (now.provider, now.base_url) != (model["provider"], model["base_url"]):
            return SecretStr("")
        return now.api_key


def _secrets(loaded: Workspace) -> list[str]:
    keys = [model.api_key.get_secret_value() for model in loaded.models.values()]
    return [*keys, os.environ.get("HARNESS_MODEL_API_KEY", "").strip(), settings.SECRET_KEY]


def _public(model: ModelSpec) -> dict[str, Any]:
    # A model without a name of its own (the embedded one) goes by its provider.
    return model.model_dump(mode="json", exclude={"api_key"}) | {"model": model.model or model.provider}


def _over(spec: Limits | Retry | Timeouts, stored: Mapping[str, Any]) -> dict[str, Any]:
    # A run outlives releases: keys it does not know take today's value, keys of the past are left out.
    present = spec.model_dump()
    return present | {key: value for key, value in stored.items() if key in present}


def _rule(stored: Mapping[str, Any]) -> gate.Rule:
    return gate.Rule(**{**stored, "allowed_decisions": tuple(stored["allowed_decisions"])})


def _timeouts(spec: Timeouts) -> providers.Timeouts:
    return providers.Timeouts(
        connect=spec.model_connect_seconds,
        first_byte=spec.model_first_byte_seconds,
        idle=spec.model_idle_seconds,
        call=spec.model_call_seconds,
    )

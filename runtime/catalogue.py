"""What there is: the workspace joined with the tools and providers that exist.

The one room that pages, API and commands ask for agents, tools and models. A run's agent is resolved when
the run is requested, stored with it, and bound again whenever the run goes on: a changed workspace does not
change a run under way. Keys are never stored: binding looks them up, only for the address they belong to.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from django.conf import settings
from pydantic import SecretStr

from runtime import gate, providers, tools, workspace
from runtime.providers.retry import RetryPolicy
from runtime.redaction import Redactor
from runtime.tools import Tool, sandbox
from runtime.tools.summary import preview, sentence
from runtime.workspace import AgentSpec, Limits, ModelSpec, Retry, Timeouts, Workspace, WorkspaceError

__all__ = [
    "Catalogue",
    "ResolvedAgent",
    "UnknownAgent",
    "current",
    "forget",
    "missing",
    "preview",
    "sentence",
]

LOOK_EVERY_SECONDS = 1.0


class UnknownAgent(LookupError):
    """There is no such agent; `str()` is a sentence that names the known ones."""


@dataclass(frozen=True, slots=True)
class Connection:
    """How a resolved agent reaches its model."""

    kind: str
    base_url: str
    api_key: SecretStr
    timeouts: providers.Timeouts


@dataclass(frozen=True, slots=True)
class ResolvedAgent:
    """An agent as one run uses it. `model` is the name at the provider, `tools` are only its own."""

    name: str
    instructions: str
    model: str
    rules: tuple[gate.Rule, ...]
    tools: Mapping[str, Tool]
    limits: Limits
    retry: RetryPolicy
    hold_seconds: float
    max_turns: int
    temperature: float | None
    max_output_tokens: int | None
    context_window: int
    stream: bool
    connection: Connection = field(repr=False)
    redactor: Redactor = field(repr=False)

    def provider(self) -> providers.Provider:
        """A provider for the model; raises providers.Misconfigured."""
        to = self.connection
        return providers.build(
            to.kind, base_url=to.base_url, api_key=to.api_key.get_secret_value(), timeouts=to.timeouts
        )

    def offers(self) -> tuple[providers.ToolOffer, ...]:
        """The tools as the model is told of them."""
        return tuple(
            providers.ToolOffer(tool.name, tool.description, tool.parameters) for tool in self.tools.values()
        )

    def check_arguments(self, tool: Tool, arguments: Any) -> list[str]:
        """One sentence for each way in which the arguments break the tool's schema; empty means fine."""
        return tools.check_arguments(tool, arguments)


class Catalogue:
    """One loaded workspace with the tools that exist; raises WorkspaceError when they do not fit together."""

    def __init__(self, loaded: Workspace) -> None:
        self.workspace = loaded
        self.redactor = Redactor(_secrets(loaded))  #: knows every configured secret
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

    def resolve(self, name: str | None) -> dict[str, Any]:
        """JSON of everything that a run of this agent needs, without keys; raises UnknownAgent."""
        agent = self.agent(name)
        shared = self.workspace.model_dump(mode="json", include={"limits", "retry", "timeouts"})
        return {
            "agent": agent.model_dump(mode="json", exclude={"model", "tools"}),
            "model": _public(self.workspace.models[agent.model]),
            "rules": [rule.model_dump(mode="json") for rule in self.workspace.rules],
            "tools": self._tools_of(agent),
            **shared,
        }

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


@dataclass(slots=True)
class _Held:
    """What was loaded last, from which files, and when to look at them again."""

    source: tuple[Any, ...]
    files: tuple[Any, ...]
    look_at: float
    catalogue: Catalogue | None
    problems: list[workspace.Problem]


_lock = threading.Lock()
_held: _Held | None = None


def current() -> Catalogue:
    """The catalogue as the files are now, looked at once a second at most; raises WorkspaceError."""
    global _held
    folder: Path | None = settings.WORKSPACE_DIR
    source = (folder, *(os.environ.get(name) for name in workspace.VARIABLES))
    with _lock:
        if _held is None or _held.source != source or time.monotonic() >= _held.look_at:
            files = (missing(), *_fingerprint(folder))
            if _held is None or (_held.source, _held.files) != (source, files):
                _held = _read(folder, source, files)
            _held.look_at = time.monotonic() + LOOK_EVERY_SECONDS
        held = _held
    if held.catalogue is None:
        raise WorkspaceError(held.problems)
    return held.catalogue


def missing() -> Mapping[str, str]:
    """The built-in tools that do not work on this machine: name → why, in a sentence or two for people."""
    sandbox.keep_in(Path(settings.DATA_DIR) / "sandbox.json")
    return tools.missing()


def forget() -> None:
    """Lets the next `current` read the files anew, without waiting for the second to pass."""
    global _held
    with _lock:
        _held = None


def _read(folder: Path | None, source: tuple[Any, ...], files: tuple[Any, ...]) -> _Held:
    held = _Held(source, files, 0.0, None, [])
    try:
        held.catalogue = Catalogue(workspace.load(folder, os.environ))
    except WorkspaceError as error:
        held.problems = error.problems
    return held


def _fingerprint(folder: Path | None) -> tuple[Any, ...]:
    if folder is None:
        return ()
    found = []
    for path in workspace.workspace_files(folder):
        try:
            state = path.stat()
        except OSError:
            continue
        found.append((path, state.st_mtime_ns, state.st_size, state.st_ino))
    return tuple(found)


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

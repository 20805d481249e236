"""An agent as one run uses it: resolved when the run was requested, bound whenever it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr

from runtime import gate, providers, tools
from runtime.providers.retry import RetryPolicy
from runtime.redaction import Redactor
from runtime.tools import Tool
from runtime.workspace import Limits


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

"""The workspace as frozen, validated specs. Field descriptions are the documentation of the YAML keys.

Times are seconds, sizes are bytes. The defaults of a workspace stand in `builtin/*.yaml`: one place to look.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, SecretStr, SkipValidation, StringConstraints

from runtime.workspace.health import Health
from runtime.workspace.maintenance import Maintenance
from runtime.workspace.problems import Identity, Mark, Marks, Path, Problem, dotted, mark_of
from runtime.workspace.retention import Retention
from runtime.workspace.values import BaseUrl, Count, Glob, Name, Number, Seconds, Spec, Switch

ProviderKind = Literal["openai_compatible", "scripted"]


class Routing(Spec):
    """What is used when nothing is named."""

    default_agent: Annotated[Name, Field(description="Agent of a run that names none.")]
    default_model: Annotated[Name, Field(description="Model of an agent that names none.")]


class Limits(Spec):
    """How much is allowed. A limit that stops a run says which, how much, and where it is set."""

    prompt_bytes: Annotated[Count, Field(description="A run's input.")]
    model_turns: Annotated[
        Count, Field(description="Model calls of one run; an agent may set fewer or more.")
    ]
    tool_calls_per_reply: Annotated[Count, Field(description="Tool calls in one reply of the model.")]
    tool_output_bytes: Annotated[Count, Field(description="Of a tool's output, how much the model reads.")]
    events_per_run: Annotated[Count, Field(description="Events of one run.")]
    events_warning: Annotated[
        Count, Field(description="From so many events on, the log and the run's page warn of that limit.")
    ]
    run_seconds: Annotated[
        Seconds | None,
        Field(description="How long a run may work, waiting not counted; null: any time."),
    ] = None
    streams_per_person: Annotated[Count, Field(description="Open live pages of one person.")]
    streams_per_service_account: Annotated[Count, Field(description="Open streams of one service account.")]


class Recovery(Spec):
    """What happens to a run whose worker was lost."""

    attempts: Annotated[
        Count, Field(description="Workers in a row that may lose it without any progress; then it fails.")
    ]


class Concurrency(Spec):
    """How much happens at once."""

    runs_per_worker: Annotated[Count, Field(description="Runs that one worker process works on.", le=1_000)]
    runs_per_agent: Annotated[
        Count | None, Field(description="Runs of one agent at once, in all workers together; left out: any.")
    ] = None


class Retry(Spec):
    """When a model call that failed is made again; only before anything of the reply came."""

    attempts: Annotated[Count, Field(description="Calls in all, the first included.", le=100)]
    base_seconds: Annotated[Seconds, Field(description="Longest wait before the second call.")]
    factor: Annotated[Number, Field(description="By how much each wait may be longer.", ge=1, le=100)]
    cap_seconds: Annotated[Seconds, Field(description="Longest wait that is chosen here.")]
    retry_after_cap_seconds: Annotated[
        Seconds, Field(description="Longest wait that a provider may ask for.")
    ]
    hold_seconds: Annotated[Seconds, Field(description="A longer wait parks the run and frees its worker.")]


class Timeouts(Spec):
    """How long things may take."""

    model_connect_seconds: Annotated[Seconds, Field(description="Connecting to the model server.")]
    model_first_byte_seconds: Annotated[Seconds, Field(description="Until anything of the reply came.")]
    model_idle_seconds: Annotated[Seconds, Field(description="Between two pieces of a reply.")]
    model_call_seconds: Annotated[Seconds, Field(description="A whole model call.")]
    tool_seconds: Annotated[Seconds, Field(description="A tool call; a tool may set its own.")]


class RuleSpec(Spec):
    """One approval rule: every condition that is given must hold; the first rule that matches decides."""

    name: Annotated[
        str, StringConstraints(min_length=1, max_length=200), Field(description="Shown to people.")
    ]
    action: Annotated[
        Literal["allow", "ask", "deny"], Field(description="What happens to a call that matches.")
    ]
    tool: Annotated[Glob, Field(description="Glob on the tool's name.")] = "*"
    agent: Annotated[Glob, Field(description="Glob on the agent's name.")] = "*"
    read_only: Annotated[
        Switch | None, Field(description="Whether the tool only reads; left out: either.")
    ] = None
    arguments: Annotated[
        Mapping[str, str], Field(description="Name of an argument: glob on its text, or on its JSON.")
    ] = {}
    allowed_decisions: Annotated[
        tuple[Literal["approve", "edit", "reject", "respond"], ...],
        Field(
            description="What a reviewer may decide. An edit of another call reaches what this rule matches "
            "only if it allows `approve` or `edit`.",
            min_length=1,
            strict=False,
        ),
    ] = ("approve", "edit", "reject", "respond")
    expires_after_seconds: Annotated[
        Count | None, Field(description="When an approval expires; left out: never.", le=31_536_000)
    ] = None
    reason: Annotated[
        str,
        StringConstraints(max_length=2_000),
        Field(description="Shown to the reviewer; told to the model."),
    ] = ""


class Approvals(Spec):
    """When a person is asked: the rules in order; when none matches, a person is asked."""

    rules: Annotated[tuple[RuleSpec, ...], Field(description="Rules, in order.", strict=False)]


class ModelSpec(Spec):
    """A model and how to reach it."""

    name: Annotated[str, Field(description="What agents call it: its key.")]
    provider: Annotated[ProviderKind, Field(description="The protocol.")]
    model: Annotated[
        str, StringConstraints(max_length=300), Field(description="Its name at the provider.")
    ] = ""
    base_url: Annotated[BaseUrl, Field(description="Where the provider listens.")] = ""
    api_key: Annotated[SecretStr, Field(description="Use ${env:NAME}; never shown.")] = SecretStr("")
    temperature: Annotated[Number | None, Field(description="Left out: the provider's own.", ge=0, le=10)] = (
        None
    )
    max_output_tokens: Annotated[Count | None, Field(description="Left out: the provider's own.")] = None
    context_window: Annotated[Count, Field(description="Tokens of transcript and reply it can take.")] = (
        128_000
    )
    stream: Annotated[Switch, Field(description="Whether the reply comes piece by piece.")] = True


class ToolSpec(Spec):
    """Settings of one tool."""

    enabled: Annotated[Switch, Field(description="Whether agents may have it.")] = True
    timeout_seconds: Annotated[Seconds | None, Field(description="Left out: timeouts.tool_seconds.")] = None


class AgentSpec(Spec):
    """An agent: a model, instructions, tools."""

    name: Annotated[str, Field(description="What runs call it: metadata.name.")]
    description: Annotated[str, StringConstraints(max_length=1_000), Field(description="For people.")] = ""
    model: Annotated[Name, Field(description="A model of models.yaml; left out: the default model.")]
    instructions: Annotated[
        str, Field(description="The system message; agent-context.md is put after it.")
    ] = ""
    tools: Annotated[tuple[Glob, ...], Field(description="Globs on tool names.", strict=False)] = ()
    execution_mode: Annotated[
        Literal["one_step", "plan"], Field(description="Answers at once, or plans work of several steps.")
    ] = "plan"
    adapter_kind: Annotated[Name | None, Field(description="Left out: as the execution mode.")] = None
    max_turns: Annotated[Count | None, Field(description="Left out: limits.model_turns.")] = None
    max_concurrent_runs: Annotated[
        Count | None, Field(description="In all workers together; left out: concurrency.runs_per_agent.")
    ] = None


class WorkspaceKind(Spec):
    """Documents of the kind Workspace: `spec` as here."""

    routing: Routing
    limits: Limits
    recovery: Recovery
    concurrency: Concurrency
    retry: Retry
    timeouts: Timeouts
    approvals: Approvals
    health: Health
    maintenance: Maintenance
    retention: Retention


class ModelsKind(Spec):
    """Documents of the kind Models: `spec.models`, by name."""

    models: Mapping[Name, ModelSpec]


class ToolsKind(Spec):
    """Documents of the kind Tools: `spec.tools`, by the tool's name."""

    tools: Mapping[Name, ToolSpec]


class Workspace(WorkspaceKind):
    """The whole workspace, as loaded."""

    name: str
    agents: Mapping[str, AgentSpec]
    models: Mapping[str, ModelSpec]
    tools: Mapping[str, ToolSpec]
    places: SkipValidation[Mapping[Identity, Marks]] = Field(default={}, exclude=True, repr=False)

    @property
    def rules(self) -> tuple[RuleSpec, ...]:
        """The approval rules, in order."""
        return self.approvals.rules

    @property
    def agent_limits(self) -> dict[str, int]:
        """How many runs of an agent may be at work at once; an agent without a limit is missing."""
        shared = self.concurrency.runs_per_agent
        found = {name: agent.max_concurrent_runs or shared for name, agent in self.agents.items()}
        return {name: limit for name, limit in found.items() if limit is not None}

    def problem(self, identity: Identity, path: Path, message: str) -> Problem:
        """A problem with something in the workspace, for checks that need to know more than it does."""
        mark = mark_of(path, self.places.get(identity, {}), Mark("workspace", 0))
        return Problem(mark.file, mark.line, dotted(path), message)

"""From the calls of a reply to gated calls: parsed, checked against the schema, judged by the rules. Pure.

The whole batch is gated before anything of it runs. A call that is malformed, unknown or denied is never
executed: the model is told why.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from runtime import canonical, gate
from runtime.catalogue import ResolvedAgent
from runtime.journal import GatedCall
from runtime.lifecycle import CallState
from runtime.providers import CallRequest
from runtime.tools import Tool, check_arguments

_STATES = {"allow": CallState.GRANTED, "ask": CallState.WAITING, "deny": CallState.REFUSED}
_NAME_LENGTH = 200
MAX_ARGUMENTS = 1_000_000  #: characters of one call's arguments


class _Malformed(Exception):
    """A sentence for the model."""


def gate_calls(calls: Iterable[CallRequest], agent: ResolvedAgent) -> list[GatedCall]:
    """Every call with its verdict, in order."""
    return [_gate(call, agent) for call in calls]


def _gate(call: CallRequest, agent: ResolvedAgent) -> GatedCall:
    tool = agent.tools.get(call.name)
    arguments: dict[str, Any] | None = None
    try:
        if tool is None:
            known = ", ".join(sorted(agent.tools)) or "none"
            raise _Malformed(f"There is no tool {call.name[:_NAME_LENGTH]!r}. Available tools: {known}.")
        arguments = _arguments(call.arguments)
        problems = check_arguments(tool, arguments)
        if problems:
            raise _Malformed("The arguments do not fit the tool: " + " ".join(problems))
    except _Malformed as error:
        return _refused(call, tool, arguments, f"This call was not run. {error}")
    return _judged(call, tool, arguments, agent)


def _judged(call: CallRequest, tool: Tool, arguments: dict[str, Any], agent: ResolvedAgent) -> GatedCall:
    asked = gate.Call(tool=tool.name, read_only=tool.read_only, agent=agent.name, arguments=arguments)
    verdict = gate.judge(asked, agent.rules)
    why = f": {verdict.reason}" if verdict.reason else ""
    return GatedCall(
        provider_call_id=call.id,
        tool_name=tool.name,
        tool_version=tool.version,
        raw_arguments=call.arguments,
        arguments=arguments,
        state=_STATES[verdict.action],
        rule=verdict.rule,
        rule_reason=verdict.reason,
        answer=f"This call was not run. The rule {verdict.rule!r} forbids it{why}."
        if verdict.action == "deny"
        else "",
        allowed_decisions=tuple(verdict.allowed_decisions),
        expires_after_seconds=verdict.expires_after_seconds,
        schema=dict(tool.parameters),
    )


def _refused(
    call: CallRequest, tool: Tool | None, arguments: dict[str, Any] | None, answer: str
) -> GatedCall:
    return GatedCall(
        provider_call_id=call.id,
        tool_name=call.name[:_NAME_LENGTH],
        tool_version=tool.version if tool else "",
        raw_arguments=call.arguments,
        arguments=arguments,
        state=CallState.REFUSED,
        rule="malformed call",
        answer=answer,
    )


def _arguments(raw: str) -> dict[str, Any]:
    if len(raw) > MAX_ARGUMENTS:
        raise _Malformed(f"The arguments have {len(raw)} characters; at most {MAX_ARGUMENTS} are taken.")
    try:
        value = canonical.parse(raw) if raw.strip() else {}
    except canonical.BadJson as error:
        raise _Malformed(f"The arguments cannot be used. {error}") from error
    if not isinstance(value, dict):
        raise _Malformed("The arguments must be one JSON object.")
    return value

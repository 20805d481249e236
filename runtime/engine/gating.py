"""From the calls of a reply to gated calls: parsed, checked against the schema, judged by the rules. Pure.

The whole batch is gated before anything of it runs. A call that is malformed, unknown or denied is never
executed: the model is told why. So is one whose arguments hold a configured secret; there the secret is not
stored either. What runs is what was shown, so the arguments of other calls are kept as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runtime import canonical, gate
from runtime.catalogue import ResolvedAgent
from runtime.journal import GatedCall
from runtime.lifecycle import CallState
from runtime.providers import CallRequest
from runtime.redaction import REDACTED, Redactor
from runtime.tools import Tool, check_arguments

_STATES = {"allow": CallState.GRANTED, "ask": CallState.WAITING, "deny": CallState.REFUSED}
_NAME_LENGTH = 200
CUT = (
    "Your reply was cut at its length limit in the middle of this call. "
    "Make it shorter, or do it in several calls."
)
MAX_ARGUMENTS = 1_000_000  #: characters of one call's arguments


class _Malformed(Exception):
    """A sentence for the model."""

    rule = "malformed call"


class _HoldsSecret(_Malformed):
    rule = "no secret in arguments"


def gate_calls(calls: Sequence[CallRequest], agent: ResolvedAgent, *, cut: bool = False) -> list[GatedCall]:
    """Every call with its verdict, in order. `cut`: the reply stopped at its length limit, so that its last
    call may be a torso."""
    last = len(calls) - 1
    return [_gate(call, agent, cut=cut and position == last) for position, call in enumerate(calls)]


def _gate(call: CallRequest, agent: ResolvedAgent, *, cut: bool) -> GatedCall:
    tool = agent.tools.get(call.name)
    arguments: dict[str, Any] | None = None
    try:
        if tool is None:
            known = ", ".join(sorted(agent.tools)) or "none"
            raise _Malformed(f"There is no tool {_name(call, agent.redactor)!r}. Available tools: {known}.")
        arguments = _arguments(call.arguments, cut=cut)
        if _holds_secret(call.arguments, arguments, agent.redactor):
            raise _HoldsSecret("The arguments contain a secret of this installation.")
        problems = check_arguments(tool, arguments)
        if problems:
            raise _Malformed("The arguments do not fit the tool: " + " ".join(problems))
    except _Malformed as error:
        return _refused(call, tool, arguments, error, agent.redactor)
    return _judged(call, tool, arguments, agent)


def _judged(call: CallRequest, tool: Tool, arguments: dict[str, Any], agent: ResolvedAgent) -> GatedCall:
    asked = gate.Call(tool=tool.name, read_only=tool.read_only, agent=agent.name, arguments=arguments)
    verdict = gate.judge(asked, agent.rules)
    reason = verdict.reason.strip()
    why = f": {reason}" if reason else ""
    end = "" if why.endswith((".", "!", "?")) else "."
    return GatedCall(
        provider_call_id=agent.redactor.text(call.id),
        tool_name=tool.name,
        tool_version=tool.version,
        raw_arguments=call.arguments,
        arguments=arguments,
        state=_STATES[verdict.action],
        rule=verdict.rule,
        rule_reason=verdict.reason,
        answer=f"This call was not run. The rule {verdict.rule!r} forbids it{why}{end}"
        if verdict.action == "deny"
        else "",
        allowed_decisions=tuple(verdict.allowed_decisions),
        expires_after_seconds=verdict.expires_after_seconds,
        schema=dict(tool.parameters),
    )


def _refused(
    call: CallRequest,
    tool: Tool | None,
    arguments: dict[str, Any] | None,
    why: _Malformed,
    redactor: Redactor,
) -> GatedCall:
    return GatedCall(
        provider_call_id=redactor.text(call.id),
        tool_name=_name(call, redactor),
        tool_version=tool.version if tool else "",
        raw_arguments=_without_secrets(call.arguments, arguments, redactor),
        arguments=redactor.value(arguments),
        state=CallState.REFUSED,
        rule=why.rule,
        answer=redactor.text(f"This call was not run. {why}"),
    )


def _name(call: CallRequest, redactor: Redactor) -> str:
    return redactor.text(call.name)[:_NAME_LENGTH]


def _holds_secret(raw: str, arguments: dict[str, Any] | None, redactor: Redactor) -> bool:
    return redactor.holds(raw) or redactor.holds_in(arguments)


def _without_secrets(raw: str, arguments: dict[str, Any] | None, redactor: Redactor) -> str:
    if not _holds_secret(raw, arguments, redactor):
        return raw
    # When it could not be parsed, nobody knows where in it the secret ends.
    known = {"arguments": REDACTED} if arguments is None else redactor.value(arguments)
    return canonical.encode(known).decode()


def _arguments(raw: str, *, cut: bool) -> dict[str, Any]:
    if len(raw) > MAX_ARGUMENTS:
        raise _Malformed(f"The arguments have {len(raw)} characters; at most {MAX_ARGUMENTS} are taken.")
    if cut and not raw.strip():
        raise _Malformed(CUT)
    try:
        value = canonical.parse(raw) if raw.strip() else {}
    except canonical.BadJson as error:
        if cut:
            raise _Malformed(CUT) from error
        raise _Malformed(f"The arguments cannot be used. {error}") from error
    if not isinstance(value, dict):
        raise _Malformed("The arguments must be one JSON object.")
    return value

"""Whether a reply can be taken: a cut, withheld or empty answer is no answer. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from runtime.lifecycle import Why
from runtime.providers import Reply

#: What endpoints say when a reply reached its length limit, and when they held the rest of it back.
CUT = frozenset({"length", "max_tokens", "model_length"})
WITHHELD = frozenset({"content_filter", "safety", "recitation", "sensitive"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the run fails here: `reason` for its event, `error` a sentence that says what to do."""

    reason: Why
    error: str


def is_cut(reply: Reply) -> bool:
    """Whether the reply stopped at its length limit."""
    return reply.finish_reason.lower() in CUT


def refusal(reply: Reply, *, most_calls: int, max_output_tokens: int | None, first: bool) -> Refusal | None:
    """None when the run goes on with the reply; `first`: the run's model had said nothing before.

    A cut reply that has calls goes on: the gate refuses a broken one, and the model can do better.
    """
    calls = len(reply.tool_calls)
    if calls > most_calls:
        return Refusal(
            Why.CALLS_LIMIT,
            f"The model asked for {calls} tool calls in one reply; the limit is {most_calls} "
            "(spec.limits.tool_calls_per_reply in workspace.yaml). None of them was run.",
        )
    if reply.finish_reason.lower() in WITHHELD:
        return Refusal(
            Why.WITHHELD,
            f"The model's endpoint withheld the answer or a part of it ({reply.finish_reason}). Nothing of "
            "it was run. Ask in other words, or use another model.",
        )
    if calls:
        return None
    if is_cut(reply):
        return _cut(max_output_tokens)
    if not reply.text.strip() and first:
        return Refusal(
            Why.SILENT,
            "The model ended its turn without an answer and without a tool call. Retry the run; if that "
            "happens again, the model or its endpoint does not fit: try another one.",
        )
    return None


def _cut(max_output_tokens: int | None) -> Refusal:
    limit = "the endpoint's own limit, or its window is full; max_output_tokens of the model is not set"
    if max_output_tokens is not None:
        limit = f"max_output_tokens of the model is {max_output_tokens}"
    return Refusal(
        Why.CUT,
        f"The model's answer was cut at its length limit ({limit}). What came is kept: ask in this thread "
        "to go on from there, or raise the limit in models.yaml and retry.",
    )

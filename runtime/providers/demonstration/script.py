"""Scripts: a person's message dictates the model's turns. For tests and demonstrations; harmless, because
nothing comes of it that any model could not say.

    script: [
      {"text": "Let me see.", "tool_calls": [{"name": "ls", "arguments": {}}]},
      {"tool_calls": [{"name": "write_file", "arguments": "{\\"path\\": broken"}]},
      {"text": "Done."}
    ]

Each reply after that message is the next step, counted by the assistant messages since; after the last step
the model says that the script is over. `arguments` is an object, or text that is sent as it is, broken or
not. Tools are called whether they were offered or not. `finish_reason` of a step says how its reply ends,
such as "length".
"""

from __future__ import annotations

import json
from typing import Any

from runtime.providers.demonstration.turns import Turn, dump

PREFIX = "script:"
OVER = "The script is over."


def script_turn(text: str, turn: int) -> Turn:
    """The reply that a `script:` message dictates for a turn, counted from 0."""
    try:
        steps = json.loads(text.lstrip()[len(PREFIX) :])
    except (ValueError, RecursionError) as error:
        reason = (
            str(error)
            if isinstance(error, json.JSONDecodeError)
            else "it nests too deep or has a number too long"
        )
        return Turn(f"The script cannot be read as JSON: {reason}.")
    if not isinstance(steps, list):
        return Turn("The script must be a list of steps.")
    if turn >= len(steps):
        return Turn(OVER)
    step = steps[turn]
    calls = step.get("tool_calls", []) if isinstance(step, dict) else None
    if not isinstance(step, dict) or not isinstance(step.get("text", ""), str) or not isinstance(calls, list):
        return Turn(f'Step {turn + 1} of the script must be an object with "text", "tool_calls", or both.')
    if not all(isinstance(call, dict) and isinstance(call.get("name"), str) for call in calls):
        return Turn(f'Every call in step {turn + 1} of the script needs a "name".')
    reason = step.get("finish_reason", "")
    return Turn(
        step.get("text", ""),
        tuple((call["name"], _raw(call.get("arguments", {}))) for call in calls),
        reason if isinstance(reason, str) else "",
    )


def _raw(arguments: Any) -> str:
    return arguments if isinstance(arguments, str) else dump(arguments)

"""Arguments of built-in tools: one strict pydantic model gives the schema, the check and the typed values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from runtime.tools.base import Tool, ToolContext, ToolError, ToolResult
from runtime.tools.check import check_arguments


class Arguments(BaseModel):
    """Base of the argument models: nothing unknown, nothing converted (a text is not a number)."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


A = TypeVar("A", bound=Arguments)


def make_tool(
    function: Callable[[ToolContext, A], ToolResult],
    arguments: type[A],
    *,
    version: str = "1",
    read_only: bool = False,
    repeatable: bool = False,
) -> Tool:
    """A built-in tool: name from the function, description from the arguments' docstring.

    Every failure that a call can meet in the file system reaches the model as a ToolError.
    """
    name = function.__name__.strip("_")

    def run(context: ToolContext, values: dict[str, Any]) -> ToolResult:
        try:
            return function(context, arguments.model_validate(values))
        except ValidationError as error:
            # What only pydantic refuses is half a surrogate pair: the schema says the same about all else.
            problems = check_arguments(tool, values) or [f"{name}: a text in the arguments is not UTF-8."]
            raise ToolError(" ".join(problems)) from error
        except UnicodeEncodeError as error:
            raise ToolError(f"{name} failed: the text is not UTF-8.") from error
        except OSError as error:
            raise ToolError(f"{name} failed: {error.strerror or error}.") from error

    tool = Tool(
        name=name,
        version=version,
        description=" ".join((arguments.__doc__ or "").split()),
        parameters=_schema(arguments),
        run=run,
        read_only=read_only,
        repeatable=repeatable,
    )
    return tool


def _schema(arguments: type[Arguments]) -> dict[str, Any]:
    schema = arguments.model_json_schema()
    definitions = schema.pop("$defs", {})
    schema.pop("description", None)
    plain: dict[str, Any] = _plain(schema, definitions)
    return plain


def _plain(value: Any, definitions: dict[str, Any]) -> Any:
    """Without titles (noise to a model), references and `anyOf` with null (some servers lack them)."""
    if isinstance(value, list):
        return [_plain(item, definitions) for item in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        return _plain(definitions[value["$ref"].rpartition("/")[2]], definitions)
    plain = {
        key: _plain(item, definitions)
        for key, item in value.items()
        if not (key == "title" and isinstance(item, str)) and not (key == "default" and item is None)
    }
    match plain.pop("anyOf", None):
        case [{"type": str(kind)} as first, {"type": "null"}]:
            plain |= first | {"type": [kind, "null"]}
    return plain

"""What is wrong with a workspace, in words: file, line, key, what would be right. Values are not quoted.

WorkspaceError    the workspace cannot be used; `problems` holds every Problem that was found
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

Path = tuple[str | int, ...]
#: Keys of earlier versions below `spec` of a workspace: where they are now.
MOVED = {
    "health.keep_days": "retention.records.keep_samples_days",
    **{
        f"maintenance.{kind}.{key}": f"retention.{kind}.{key}"
        for kind, keys in {
            "checkpoints": ("keep_days", "keep_runs", "keep_bytes", "keep_text_seconds"),
            "records": ("keep_days", "keep_threads", "keep_decisions_days", "keep_traces_days"),
        }.items()
        for key in keys
    },
}
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
NAME_IS_WRONG = "must begin with a letter or a digit and hold only those, '.', '_' and '-', 100 at most."
MAX_PROBLEMS = 100


@dataclass(frozen=True, slots=True)
class Mark:
    """Where something stands: a file (relative to the workspace) and a line, counted from 1; 0 is unknown."""

    file: str
    line: int


Marks = Mapping[Path, Mark]
Identity = tuple[str, str]  # kind and name of a document; empty for kinds of which there is only one


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to put right. `key` is dotted, `rules[0].tool`; `message` is what goes after it."""

    file: str
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"


class WorkspaceError(Exception):
    """The workspace cannot be used; `str()` has one line for each problem."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems[:MAX_PROBLEMS])
        super().__init__("\n".join(str(problem) for problem in self.problems))


def dotted(path: Iterable[str | int]) -> str:
    """A path as people write it."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")[:300]


def mark_of(path: Path, marks: Marks, fallback: Mark) -> Mark:
    """Where the path stands, or the nearest thing around it."""
    for length in range(len(path), -1, -1):
        if path[:length] in marks:
            return marks[path[:length]]
    return fallback


def nearest(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?`, or what is known when nothing is near."""
    names = sorted(known)
    close = get_close_matches(name[:100], names, n=1, cutoff=0.6)
    if close:
        return f"did you mean '{close[0]}'?"
    return f"known: {', '.join(names)}." if names else "there are none."


def from_validation(
    error: ValidationError, model: type[BaseModel], base: Path, marks: Marks, fallback: Mark
) -> list[Problem]:
    """The problems in pydantic's words, in ours. `base` is the path of what was validated."""
    problems = []
    for item in error.errors(include_url=False):
        inner = tuple(part for part in item["loc"] if part != "[key]")
        path = (*base, *inner)
        mark = mark_of(path, marks, fallback)
        problems.append(Problem(mark.file, mark.line, dotted(path), _message(dict(item), model, inner)))
    return problems


def _message(item: dict[str, Any], model: type[BaseModel], path: Path) -> str:
    context = item.get("ctx", {})
    match item["type"]:
        case "missing":
            return "is missing."
        case "extra_forbidden":
            if place := MOVED.get(dotted(path)):
                return f"has moved: it is spec.{place} now."
            return f"is not known here; {nearest(str(path[-1]), _known_keys(model, path[:-1]))}"
        case "int_type" | "int_from_float":
            return "must be a whole number."
        case "float_type":
            return "must be a number."
        case "bool_type":
            return "must be true or false."
        case "string_type":
            return "must be text; put it in quotes."
        case "tuple_type" | "list_type":
            return "must be a list: one line for each item, beginning with '- '."
        case "mapping_type" | "dict_type" | "model_type" | "model_attributes_type":
            return "must hold keys with values."
        case "literal_error":
            return f"must be one of {context['expected'].replace(' or ', ', ')}."
        case "greater_than_equal":
            return f"must be {context['ge']} or more."
        case "greater_than":
            return f"must be more than {context['gt']}."
        case "less_than_equal":
            return f"must be {context['le']} or less."
        case "string_pattern_mismatch":
            return NAME_IS_WRONG
        case "string_too_short" | "too_short":
            return "must not be empty."
        case "string_too_long":
            return f"is too long: {context['max_length']} characters at most."
        case "value_error":
            return f"{context['error']}."
    return f"is wrong: {item['msg']}."


def _known_keys(model: type[BaseModel], path: Path) -> list[str]:
    for part in path:
        if isinstance(part, str) and part in model.model_fields:
            model = _inner_model(model.model_fields[part].annotation) or model
    return [key for key in model.model_fields if key != "name" or "action" in model.model_fields]


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        if found := _inner_model(argument):
            return found
    return None

"""How long files, functions and templates are."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median

from tests.house.source import Source

FILE_LINES, FILE_MEDIAN = 300, 120
FUNCTION_LINES, FUNCTION_P95, FUNCTION_MEDIAN = 60, 40, 10
TEMPLATE_LINES = 150


@dataclass(frozen=True)
class Measure:
    """One file or function and its lines."""

    name: str
    lines: int


def files(sources: Iterable[Source]) -> list[Measure]:
    """Files that say something: an `__init__` that only bears its docstring would flatter the median."""
    return [Measure(s.path, count(s.text)) for s in sources if len(s.tree.body) > 1]


def functions(sources: Iterable[Source]) -> list[Measure]:
    """Functions and methods, from `def` to the last line."""
    return [
        Measure(f"{source.path}:{node.lineno} {node.name}", (node.end_lineno or 0) - node.lineno + 1)
        for source in sources
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def templates(texts: Mapping[str, str]) -> list[Measure]:
    """Templates by their path."""
    return [Measure(path, count(text)) for path, text in texts.items()]


def count(text: str) -> int:
    """Lines, the last one without a line end included."""
    return len(text.splitlines())


def too_long(measures: Iterable[Measure], most: int) -> list[str]:
    """What is beyond the ceiling."""
    return [f"{m.name} has {m.lines} lines, more than {most}" for m in measures if m.lines > most]


def middle(measures: Iterable[Measure]) -> float:
    """The median of the lines."""
    return median(measure.lines for measure in measures)


def p95(measures: Iterable[Measure]) -> int:
    """Nineteen of twenty are at most this long."""
    lines = sorted(measure.lines for measure in measures)
    return lines[max(0, -(-len(lines) * 95 // 100) - 1)]

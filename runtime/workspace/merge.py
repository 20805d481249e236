"""Merging a document over the built-in one: objects deep-merge, lists and single values replace."""

from __future__ import annotations

from typing import Any

from runtime.workspace.problems import Mark, Path


def merge(
    base: Any, base_marks: dict[Path, Mark], over: Any, over_marks: dict[Path, Mark]
) -> tuple[Any, dict[Path, Mark]]:
    """The merged value and the marks of what became of it; neither input is changed."""
    replaced: set[Path] = set()
    value = _merge(base, over, (), replaced)
    # Marks below what was replaced would place a missing key in the wrong file.
    kept = {
        path: mark
        for path, mark in base_marks.items()
        if not any(path[:length] in replaced for length in range(len(path) + 1))
    }
    return value, kept | over_marks


def _merge(base: Any, over: Any, path: Path, replaced: set[Path]) -> Any:
    if isinstance(base, dict) and over is None:
        return base  # a key with nothing below it: nothing was said
    if not (isinstance(base, dict) and isinstance(over, dict)):
        replaced.add(path)
        return over
    return base | {key: _merge(base.get(key), value, (*path, key), replaced) for key, value in over.items()}

"""The frame of a document: apiVersion, kind, metadata.name, spec."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from runtime.workspace.documents import Document, Report
from runtime.workspace.problems import (
    NAME,
    NAME_IS_WRONG,
    Identity,
    Mark,
    Path,
    Problem,
    dotted,
    mark_of,
    nearest,
)

API_VERSION = "agent-harness/v1alpha1"
KINDS = ("Workspace", "Models", "Tools", "Agent")
KEYS = ("apiVersion", "kind", "metadata", "spec")


def identify(document: Document, report: Report) -> Identity | None:
    """Kind and name of a document; None when its frame is wrong, which is reported."""
    value = document.value
    if not isinstance(value, dict):
        report(_problem(document, (), f"must hold {', '.join(KEYS)}."))
        return None
    problems = [_problem(document, path, message) for path, message in _mistakes(value)]
    for problem in problems:
        report(problem)
    if problems:
        return None
    return value["kind"], name_of(document) if value["kind"] == "Agent" else ""


def name_of(document: Document) -> str:
    """`metadata.name`, empty when there is none."""
    return str((document.value.get("metadata") or {}).get("name") or "")


def _mistakes(value: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    for key in value:
        if key not in KEYS:
            yield (key,), f"is not known here; {nearest(key, KEYS)}"
    if value.get("apiVersion") != API_VERSION:
        yield ("apiVersion",), f"must be {API_VERSION}."
    kind = value.get("kind")
    if kind is None:
        yield ("kind",), f"is missing; {nearest('', KINDS)}"
    elif kind not in KINDS:
        yield ("kind",), f"is not known; {nearest(str(kind), KINDS)}"
    metadata = value.get("metadata") or {}
    if not isinstance(metadata, dict):
        yield ("metadata",), "must hold a name."
        return
    for key in metadata:
        if key != "name":
            yield ("metadata", key), f"is not known here; {nearest(key, ['name'])}"
    name = metadata.get("name")
    if name is None and kind == "Agent":
        yield ("metadata", "name"), "is missing."
    elif name is not None and not isinstance(name, str):
        yield ("metadata", "name"), "must be text; put it in quotes."
    elif name is not None and not re.fullmatch(NAME, name):
        yield ("metadata", "name"), NAME_IS_WRONG


def _problem(document: Document, path: Path, message: str) -> Problem:
    mark = mark_of(path, document.marks, Mark(document.file, 0))
    return Problem(mark.file, mark.line, dotted(path), message)

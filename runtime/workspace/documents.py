"""YAML text → documents whose every key knows its line. Caps come before anything is built.

Of YAML only what people expect: `true`, `false`, `null` and decimal numbers are what they look like, all else
is text (`NO`, `on`, `012`, `1:30`, dates). No tags, no anchors and aliases, no key twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from runtime.workspace.problems import Mark, Path, Problem, dotted
from runtime.workspace.values import FromEnvironment

MAX_FILE_BYTES = 1 << 20
MAX_DEPTH = 32
MAX_NODES = 50_000
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})")
DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+([eE][+-]?[0-9]{1,3})?")
WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}
ENVIRONMENT = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)(?::-([^{}]*))?\}")

Report = Callable[[Problem], None]


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document: its value, and the mark of every path in it (also `()`)."""

    file: str
    value: Any
    marks: dict[Path, Mark] = field(default_factory=dict)


def read_documents(file: str, content: bytes, environ: Mapping[str, str], report: Report) -> list[Document]:
    """The documents of one file, empty ones left out; what is wrong goes to `report`."""
    if len(content) > MAX_FILE_BYTES:
        report(Problem(file, 0, "", f"has {len(content):,} bytes; {MAX_FILE_BYTES:,} are allowed."))
        return []
    try:
        text = content.decode("utf-8-sig")
        if problem := _cap(file, text):
            report(problem)
            return []
        nodes = list(yaml.compose_all(text, Loader=LOADER))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        report(Problem(file, line, "", "is not UTF-8 text."))
        return []
    except yaml.YAMLError as error:
        report(_syntax(file, error))
        return []
    reader = _Reader(file, environ, report)
    return [document for node in nodes if (document := reader.document(node)).value is not None]


def _cap(file: str, text: str) -> Problem | None:
    """Whether the text is too deep, too long or uses what is not read here. Events come without recursion."""
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=LOADER)):
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            return Problem(file, line, "", f"is nested more than {MAX_DEPTH} levels deep.")
        if count > MAX_NODES:
            return Problem(file, line, "", f"has more than {MAX_NODES:,} values.")
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            return Problem(file, line, "", "anchors (&) and aliases (*) are not read here; write it out.")
        if getattr(event, "tag", None):
            return Problem(file, line, "", "tags (!) are not read here; leave it out.")
    return None


def _syntax(file: str, error: yaml.YAMLError) -> Problem:
    mark = getattr(error, "problem_mark", None)
    reason = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
    return Problem(file, mark.line + 1 if mark else 0, "", f"is not valid YAML: {reason}.")


class _Reader:
    """Turns the nodes of one file into values."""

    def __init__(self, file: str, environ: Mapping[str, str], report: Report) -> None:
        self.file = file
        self.environ = environ
        self.report = report
        self.marks: dict[Path, Mark] = {}

    def document(self, node: yaml.Node | None) -> Document:
        self.marks = {}
        value = None if node is None else self._value(node, ())
        return Document(self.file, value, self.marks)

    def _value(self, node: yaml.Node, path: Path) -> Any:
        self.marks.setdefault(path, self._mark(node))
        if isinstance(node, yaml.MappingNode):
            return dict(self._pairs(node, path))
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, path) if isinstance(node, yaml.ScalarNode) else None

    def _pairs(self, node: yaml.MappingNode, path: Path) -> Iterator[tuple[str, Any]]:
        seen: dict[str, int] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self.report(Problem(self.file, line, dotted(path), "has a key that is not text."))
                continue
            key = key_node.value
            inner = (*path, key)
            if key in seen:
                self.report(
                    Problem(self.file, line, dotted(inner), f"stands twice, first in line {seen[key]}.")
                )
                continue
            seen[key] = line
            self.marks[inner] = Mark(self.file, line)
            yield key, self._value(value_node, inner)

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        text: str = node.value
        if "${env:" in text:
            return self._from_environment(text, path)
        if node.style:  # quoted or a block
            return text
        if text in WORDS:
            return WORDS[text]
        if WHOLE.fullmatch(text):
            return int(text)
        return float(text) if DECIMAL.fullmatch(text) else text

    def _from_environment(self, text: str, path: Path) -> FromEnvironment:
        line = self.marks[path].line

        def fill(match: re.Match[str]) -> str:
            name, default = match.groups()
            value = self.environ.get(name) or default
            if value is None:
                message = f"needs the environment variable {name}, which is not set."
                self.report(Problem(self.file, line, dotted(path), message))
            return value or ""

        filled = ENVIRONMENT.sub(fill, text)
        if len(ENVIRONMENT.findall(text)) != text.count("${env:"):
            message = "must name a variable as ${env:NAME} or ${env:NAME:-default}."
            self.report(Problem(self.file, line, dotted(path), message))
        return FromEnvironment(filled)

    def _mark(self, node: yaml.Node) -> Mark:
        return Mark(self.file, node.start_mark.line + 1)

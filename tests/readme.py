"""The parts of the README that are made from the code, so that they are never wrong.

`python -m tests.readme` writes them into README.md; `tests/test_readme.py` compares them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import django
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from runtime import gate, tools, workspace
from runtime.events import COMMON, PAYLOADS, EventType
from runtime.faults import Point
from runtime.lifecycle import RUN_MOVES, TERMINAL, RunState
from runtime.workspace import specs, values

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
COMMENTED = re.compile(r'^    [A-Z_]+ = "([a-z_.]+)"  #: (.+)$', re.MULTILINE)

Defaults = Mapping[str, Any]


def parts() -> dict[str, str]:
    """Every generated part by its name."""
    return {
        "states": states(),
        "state-words": words("runtime/lifecycle.py", [state.value for state in RunState]),
        "events": events(),
        "tools": tool_table(),
        "workspace": workspace_keys(),
        "checks": check_table(),
        "metrics": metric_table(),
        "faults": fault_points(),
        "benchmarks": benchmarks(),
    }


def states() -> str:
    """The diagram of a run's states, from the table of allowed moves."""
    order = list(RunState)
    lines = ["```mermaid", "stateDiagram-v2"]
    for old in [None, *order]:
        for new in sorted(RUN_MOVES[old], key=order.index):
            lines.append(f"    {old.value if old else '[*]'} --> {new.value}")
    lines += [f"    {end.value} --> [*]" for end in order if end in TERMINAL]
    return "\n".join([*lines, "```"])


def words(path: str, names: list[str]) -> str:
    """A table of names with the comments that stand beside them in the code."""
    meanings = comments(path)
    return table(["state", "a run in it"], [[f"`{name}`", meanings[name]] for name in names])


def comments(path: str) -> dict[str, str]:
    """The half-lines on the members of a file's enums; the first enum that has a value wins."""
    found: dict[str, str] = {}
    for value, meaning in COMMENTED.findall((ROOT / path).read_text(encoding="utf-8")):
        found.setdefault(value, meaning)
    return found


def events() -> str:
    """Every event type, its meaning, its fields."""
    meanings = comments("runtime/events.py")
    rows = [
        [f"`{kind.value}`", meanings[kind.value], ", ".join(f"`{name}`" for name in sorted(PAYLOADS[kind]))]
        for kind in EventType
    ]
    common = ", ".join(f"`{name}`" for name in COMMON)
    return f"Every event has {common}.\n\n" + table(["type", "says that", "may also have"], rows)


def tool_table() -> str:
    """The built-in tools, and what the built-in rules say to each."""
    loaded = workspace.load(None, {})
    rules = [gate.Rule(**spec.model_dump()) for spec in loaded.rules]
    rows = []
    for tool in tools.builtin().values():
        call = gate.Call(tool=tool.name, read_only=tool.read_only, agent="orchestra", arguments={})
        asked = {"allow": "runs freely", "ask": "asks a person", "deny": "refused"}[
            gate.judge(call, rules).action
        ]
        again = "runs again" if tool.repeatable else "asks what happened"
        parameters = ", ".join(tool.parameters["properties"])
        rows.append([f"`{tool.name}({parameters})`", tool.description, asked, again])
    return table(["tool", "does", "by the built-in rules", "cut off by a crash"], rows)


def fault_points() -> str:
    """Every point at which a process can be made to die."""
    meanings = comments("runtime/faults.py")
    return table(["point", "what is so"], [[f"`{point.value}`", meanings[point.value]] for point in Point])


def benchmarks() -> str:
    """Every benchmark with its line."""
    from runtime.benchmarks.registry import ALL  # needs Django

    return table(["name", "measures"], [[f"`{name}`", each.SUMMARY] for name, each in ALL.items()])


def check_table() -> str:
    """The health monitor's checks."""
    from runtime.upkeep.health.verdicts import CHECKS  # needs Django

    rows = [
        [f"`{check.name}`", check.about, check.unit or "–", "yes" if check.critical else "no"]
        for check in CHECKS
    ]
    return table(["check", "looks at", "value", "critical"], rows)


def metric_table() -> str:
    """Every metric."""
    from runtime.upkeep.metrics import METRICS  # needs Django

    rows = [
        [f"`{each.name}`", ", ".join(f"`{label}`" for label in each.labels) or "–", each.kind, each.help]
        for each in METRICS
    ]
    return table(["metric", "by", "kind", "says"], rows)


def workspace_keys() -> str:
    """Every key of the workspace's files, with its default and its description."""
    loaded = workspace.load(None, {})
    found = ["**`kind: Workspace`**, `spec`:", *_keys(specs.WorkspaceKind, loaded.model_dump())]
    found += ["Each of `approvals.rules`:", *_keys(specs.RuleSpec)]
    found += ["**`kind: Models`**, `spec.models.NAME`:", *_keys(specs.ModelSpec)]
    found += ["**`kind: Agent`**, `spec`; its name is `metadata.name`:", *_keys(specs.AgentSpec)]
    found += ["**`kind: Tools`**, `spec.tools.NAME`:", *_keys(specs.ToolSpec)]
    return "\n\n".join(found)


def _keys(spec: type[BaseModel], defaults: Defaults | None = None) -> list[str]:
    rows = [
        [f"`{name}`", _shown(default, field), meaning]
        for name, field, default, meaning in _fields(spec, defaults, "", "")
        if not (name == "name" and spec is not specs.RuleSpec)  # it is the key, or in the metadata
    ]
    return [table(["key", "default", "meaning"], rows)]


def _fields(
    spec: type[BaseModel], defaults: Defaults | None, before: str, about: str
) -> Iterator[tuple[str, FieldInfo, Any, str]]:
    for name, field in spec.model_fields.items():
        default = field.default if defaults is None else defaults[name]
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, values.Spec):
            what = f"{field.description}: " if field.description else about
            yield from _fields(kind, default, f"{before}{name}.", what)
        else:
            yield f"{before}{name}", field, default, f"{about}{field.description or ''}"


def _shown(value: Any, field: FieldInfo) -> str:
    if value is PydanticUndefined:  # what may be left out is filled in by the loader
        return "–" if "left out" in (field.description or "") else "needed"
    if value is None or value == "" or "Secret" in type(value).__name__:
        return "–"
    if isinstance(value, (list, tuple, dict)) and (not value or isinstance(next(iter(value)), dict)):
        return "see below" if value else "–"
    if isinstance(value, (list, tuple)):
        return ", ".join(f"`{part}`" for part in value)
    if isinstance(value, bool):
        return "`true`" if value else "`false`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def table(heads: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def marks(name: str) -> tuple[str, str]:
    """What stands before and after a part."""
    return f"<!-- made by tests/readme.py: {name} -->\n", "<!-- end -->"


def filled(text: str) -> str:
    """The README with every part made anew. Raises ValueError for a part that has no place."""
    for name, part in parts().items():
        begin, end = marks(name)
        before, found, rest = text.partition(begin)
        if not found:
            raise ValueError(f"The README has no place for {name}: {begin.strip()}")
        text = f"{before}{begin}{part}\n{end}{rest.partition(end)[2]}"
    return text


def main() -> None:
    """Writes the parts."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()
    README.write_text(filled(README.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()

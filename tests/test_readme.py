"""The README says what is there: names, generated parts, promises, examples."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from runtime import tools, workspace
from runtime.access import ROLES
from runtime.events import EventType
from runtime.lifecycle import ApprovalStatus, Decision, RunState
from tests import readme
from tests.house import floors, source

TEXT = readme.README.read_text(encoding="utf-8")
#: What the product's processes tell each other; nobody sets it.
INTERNAL = {"HARNESS_READY_FD", "HARNESS_DEAD_PROCESSES"}
VARIABLE = re.compile(r"(HARNESS_[A-Z_]+|DATABASE_URL|REDIS_URL)")
PROOF = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
PICTURES = readme.README.parent / ".readme"
FENCED = re.compile(r"```yaml\n# (\S+)\n(.*?)```", re.DOTALL)


def section(title: str) -> str:
    """The text below a heading, up to the next one of its level."""
    found = re.search(rf"^## {re.escape(title)}$(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)
    assert found is not None, title
    return found[1]


def rows(title: str) -> list[list[str]]:
    """The cells of a section's tables, without their heads."""
    lines = [line for line in section(title).splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return [row for row in cells[1:] if not set(row[0]) <= {"-", " "}]


def strings(tree: ast.AST) -> set[str]:
    return {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)}


def test_its_generated_parts_are_those_of_the_code() -> None:
    assert readme.filled(TEXT) == TEXT, "write them anew: python -m tests.readme"


def test_it_names_every_setting() -> None:
    read = {
        word
        for found in source.read("harness_site", "runtime")
        for word in strings(found.tree)
        if VARIABLE.fullmatch(word)
    }
    assert "HARNESS_DATA_DIR" in read
    named = set(VARIABLE.findall(" ".join(row[0] for row in rows("Settings"))))
    assert named == read - INTERNAL


def test_it_names_every_command() -> None:
    folder = source.ROOT / "runtime" / "management" / "commands"
    there = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    named = set(re.findall(r"manage\.py (\w+)", " ".join(row[0] for row in rows("Commands"))))
    assert named == there


def test_it_names_no_command_that_is_not_there() -> None:
    folder = source.ROOT / "runtime" / "management" / "commands"
    ours = {path.stem for path in folder.glob("*.py")}
    assert set(re.findall(r"manage\.py (\w+)", TEXT)) <= ours | {
        "axes_reset_ip",
        "axes_reset_username",
        "check",
    }


@pytest.mark.parametrize(
    ("title", "names"),
    [
        ("Events", [kind.value for kind in EventType]),
        ("States", [state.value for state in RunState]),
        ("Tools", list(tools.builtin())),
        ("Roles and tokens", list(ROLES)),
    ],
)
def test_it_explains_every(title: str, names: list[str]) -> None:
    explained = " ".join(row[0] for row in rows(title))
    assert [
        name for name in names if not re.search(rf"(?<![\w.]){re.escape(name)}(?![\w.])", explained)
    ] == []


def test_it_names_every_decision_and_what_becomes_of_an_approval() -> None:
    assert [decision for decision in Decision if decision.value not in section("Words")] == []
    assert [status for status in ApprovalStatus if f"`{status.value}`" not in section("States")] == []


def test_it_shows_every_room_with_its_floor() -> None:
    said: dict[str, int] = {}
    for floor, names, _ in rows("The house"):
        said |= dict.fromkeys(re.findall(r"`(\w+)`", names), -1 if floor == "ground" else int(floor))
    there = {found.room for found in source.read("runtime")} - {"__init__", "migrations"}
    assert said == {room: floors.FLOORS[room] for room in there}


def test_every_promise_is_proved_by_a_test_that_exists() -> None:
    promises = rows("Promises")
    assert [number for number, _, _ in promises] == [f"P{number}" for number in range(1, 15)]
    for _, promise, proofs in promises:
        named = PROOF.findall(proofs)
        assert named, promise
        for path, test in named:
            tree = ast.parse((source.ROOT / path).read_text(encoding="utf-8"))
            defined = {
                n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
            }
            assert test in defined, f"{path}::{test}"


def test_its_workspace_example_loads(tmp_path: Path) -> None:
    files = FENCED.findall(TEXT)
    assert len(files) == 3
    for name, content in files:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="utf-8")
    loaded = workspace.load(tmp_path, {})
    assert loaded.agents["librarian"].model == "local"
    assert len(loaded.rules) == 3


def test_what_it_links_to_is_there() -> None:
    for target in re.findall(r'(?:\]\(|src="|srcset=")([^)"]+)', TEXT):
        if target.startswith("#"):
            assert re.search(rf"^## {target[1:].replace('-', ' ')}$", TEXT, re.MULTILINE | re.IGNORECASE)
        else:
            assert (source.ROOT / target).is_file(), target
    for path in re.findall(r"`((?:runtime|tests|harness_site|\.ci)/[\w./]*)`", TEXT):
        assert (source.ROOT / path).exists(), path


def test_its_pictures_are_there_and_small() -> None:
    named = set(re.findall(r'"(\.readme/[^"]+)"', TEXT))
    there = {str(path.relative_to(readme.README.parent)) for path in PICTURES.iterdir()}
    assert named == there
    assert {one.replace("-light", "-dark") for one in named} <= named
    assert [path.name for path in PICTURES.iterdir() if path.stat().st_size > 60_000] == []

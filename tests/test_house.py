"""The rules of the house: floors, one writer, sizes, pages. By syntax tree, in milliseconds.

The checkers are in `tests/house/`; `tests/house/test_checkers.py` shows that each finds what it is for.
The names that the README has to know are in `tests/test_readme.py`.
"""

from __future__ import annotations

import pytest

from tests.house import floors, pages, sizes, source, writes

SOURCES = source.read("runtime", "harness_site")
# Written by Django, once and never again: their length is no matter of style.
OURS = [found for found in SOURCES if "/migrations/" not in found.path]
TEMPLATES = pages.read()

TOP_LEVEL = {
    *("manage.py", "pyproject.toml", "README.md"),
    *("harness_site", "runtime", "templates", "static", "tests"),
}
LEFT_BEHIND = {"__pycache__"}


def test_it_gives_every_room_a_floor() -> None:
    assert floors.rooms_without_floor(SOURCES) == []


def test_it_imports_only_downwards() -> None:
    assert floors.climbing_imports(SOURCES) == []


def test_it_imports_nothing_by_a_name_worked_out() -> None:
    assert floors.unnamed_imports(SOURCES) == []


def test_it_imports_some_packages_in_one_place_only() -> None:
    assert floors.misplaced_packages(SOURCES) == []


def test_it_keeps_the_database_off_the_lowest_floors() -> None:
    assert floors.databases_below(SOURCES) == []


def test_it_keeps_pure_modules_pure() -> None:
    known = {found.path for found in SOURCES}
    assert set(floors.PURE) <= known
    assert floors.impurities(SOURCES) == []


def test_it_needs_the_standard_library_alone_where_it_says_so() -> None:
    assert floors.unkept_standard_only(SOURCES) == []


def test_it_writes_records_in_the_journal_only() -> None:
    assert {"Run", "Event", "Approval", "ToolCall", "Thread"} <= writes.record_names(SOURCES)
    assert writes.strange_writes(SOURCES) == []


def test_it_says_in_every_module_what_it_is() -> None:
    assert floors.without_docstring(OURS + source.read("tests")) == []


def test_it_keeps_files_short() -> None:
    measures = sizes.files(OURS)
    assert sizes.too_long(measures + sizes.files(source.read("tests")), sizes.FILE_LINES) == []
    assert sizes.middle(measures) <= sizes.FILE_MEDIAN


def test_it_keeps_functions_short() -> None:
    measures = sizes.functions(OURS)
    assert sizes.too_long(measures, sizes.FUNCTION_LINES) == []
    assert sizes.middle(measures) <= sizes.FUNCTION_MEDIAN
    assert sizes.p95(measures) <= sizes.FUNCTION_P95


def test_it_keeps_templates_short() -> None:
    assert TEMPLATES
    assert sizes.too_long(sizes.templates(TEMPLATES), sizes.TEMPLATE_LINES) == []


def test_it_keeps_templates_fit_for_the_policy() -> None:
    assert pages.unsafe(TEMPLATES) == []


def test_it_keeps_the_top_level_tidy() -> None:
    visible = {entry.name for entry in source.ROOT.iterdir() if not entry.name.startswith(".")}
    assert visible - LEFT_BEHIND == TOP_LEVEL


@pytest.mark.parametrize("room", sorted({path.room for path in SOURCES if path.path.count("/") > 1}))
def test_it_makes_every_folder_of_the_house_a_package(room: str) -> None:
    inside = [found.path for found in SOURCES if found.path.startswith(f"runtime/{room}/")]
    folders = {path.rpartition("/")[0] for path in inside}
    assert {f"{folder}/__init__.py" for folder in folders} <= set(inside)

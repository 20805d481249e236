"""Every operation and every defect has its test, and no test is about anything else."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.persistence.contract import DEFECTS, OPERATIONS

SUBJECT = re.compile(r"test_(.+?)__\w+")


def subjects() -> dict[str, str]:
    """What each test of this folder is about, by its name."""
    found = {}
    for path in Path(__file__).parent.glob("test_*.py"):
        if path.name == Path(__file__).name:
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                match = SUBJECT.fullmatch(node.name)
                assert match is not None, f"{path.name}: {node.name} names no operation and no defect"
                found[node.name] = match[1]
    return found


def test_each_operation_and_each_defect_is_tested() -> None:
    known = {*OPERATIONS, *(f"defect_{number:02}" for number in DEFECTS)}
    assert set(subjects().values()) == known


def test_the_contract_is_whole() -> None:
    assert len(OPERATIONS) == 29 + 3
    assert list(DEFECTS) == list(range(1, 21))

"""A reference database that holds a little of everything."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime.upkeep.imports import Report
from tests.upkeep.imports.reference import Reference, full


@pytest.fixture
def reference(tmp_path: Path) -> Reference:
    return full(tmp_path)


def reasons(report: Report) -> dict[tuple[str, str], int]:
    """What was left out, why, and how often."""
    return {key: kept.count for key, kept in report.skipped.items()}

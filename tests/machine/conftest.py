"""The product behind its HTTP API, in this process: callers, a worker, a clock that can be moved."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runtime import catalogue
from tests.api.conftest import Caller, caller_with
from tests.machine.model import DEADLINE_SECONDS

WORKSPACE = f"""
apiVersion: agent-harness/v1alpha1
kind: Workspace
metadata: {{name: machine}}
spec:
  approvals:
    rules:
      - {{name: reading is free, action: allow, read_only: true}}
      - {{name: edits, action: ask, tool: edit_file, expires_after_seconds: {DEADLINE_SECONDS}}}
---
apiVersion: agent-harness/v1alpha1
kind: Models
metadata: {{name: fast}}
spec: {{models: {{default: {{base_url: "scripted://fast"}}}}}}
"""


@pytest.fixture
def caller(transactional_db: None, tmp_path: Path, settings: Any) -> Iterator[Caller]:
    """May start and decide; in a workspace where edits have a deadline."""
    (tmp_path / "ours.yaml").write_text(WORKSPACE)
    settings.WORKSPACE_DIR = tmp_path
    catalogue.forget()
    yield caller_with("operator", "reviewer")
    catalogue.forget()

"""What the model reads of a call that a rule forbids."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_django import Settings

from runtime import catalogue
from runtime.models import Run, ToolCall
from tests.engine.conftest import call, script, start

pytestmark = pytest.mark.django_db(transaction=True)

FORBIDS = "This call was not run. The rule 'no' forbids it"


@pytest.mark.parametrize(
    ("reason", "end"),
    [("''", "."), ("Not here", ": Not here."), ("Not here.", ": Not here."), ("No!", ": No!")],
)
def test_it_gives_the_rules_reason_as_a_sentence(
    advance: Callable[[Run], Run], settings: Settings, tmp_path: Path, reason: str, end: str
) -> None:
    rule = f"{{name: 'no', action: deny, tool: write_file, reason: {reason}}}"
    (tmp_path / "workspace.yaml").write_text(
        "apiVersion: agent-harness/v1alpha1\nkind: Workspace\nmetadata: {name: w}\n"
        f"spec: {{approvals: {{rules: [{rule}]}}}}\n"
    )
    settings.WORKSPACE_DIR = tmp_path
    catalogue.forget()
    advance(start(script({"tool_calls": [call("write_file", path="a", content="x")]}, {"text": "ok"})))
    assert ToolCall.objects.get().answer == FORBIDS + end
    catalogue.forget()

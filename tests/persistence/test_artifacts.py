"""Artifacts: rows and the files below the run's directory."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction

from runtime import actions
from runtime.models import Artifact, Run
from runtime.models.thread import run_folder, thread_folder
from runtime.tools import ToolContext, builtin
from tests.api.conftest import BOT, Caller, json_of
from tests.api.test_artifacts import body_of
from tests.persistence.conftest import Advance
from tests.product import call, script

pytestmark = pytest.mark.django_db


def keep(advance: Advance, *paths: str) -> Run:
    """A run that kept these."""
    calls = [call("save_artifact", path=path, content=f"of {path}") for path in paths]
    return advance(actions.start_run(BOT, script({"tool_calls": calls}, {"text": "done"}), agent="direct"))


def test_create_artifact__is_a_file_below_the_runs_directory_and_a_row(advance: Advance) -> None:
    run = keep(advance, "report.md")
    artifact = Artifact.objects.get()
    assert (artifact.thread_id, artifact.run_id, artifact.path) == (run.thread_id, run.run_id, "report.md")
    folder = Path(settings.DATA_DIR) / "threads" / run.thread_id / "runs" / run.run_id
    assert artifact.stored.is_relative_to(folder)
    assert artifact.stored.read_text() == "of report.md"


def test_list_artifacts__goes_by_time_then_id(reading: Caller, advance: Advance) -> None:
    run = keep(advance, "b.md", "a.md", "c.md")
    Artifact.objects.update(created_at=run.created_at)
    items = json_of(reading.get(f"/runs/{run.run_id}/artifacts"))["items"]
    ids = [item["artifact_id"] for item in items]
    assert len(ids) == 3
    assert ids == sorted(ids)


def test_read_artifact__is_its_content_or_none(reading: Caller, advance: Advance) -> None:
    keep(advance, "report.md")
    artifact = Artifact.objects.get()
    answer = reading.get(f"/artifacts/{artifact.pk}")
    assert body_of(answer) == b"of report.md"
    artifact.stored.unlink()
    assert reading.get(f"/artifacts/{artifact.pk}").status_code == 404
    assert reading.get("/artifacts/missing").status_code == 404


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/etc/x", "a\0b"])
def test_defect_09__no_path_leads_out(advance: Advance, path: str) -> None:
    run = keep(advance, path)
    assert run.state == "completed"
    assert not Artifact.objects.exists()
    thread = run.thread.folder
    assert [found for found in thread.parent.rglob("x") if found.is_file()] == []
    assert run.tool_calls.get().state in ("failed", "refused")


def test_defect_09__an_id_that_is_no_name_opens_and_deletes_nothing() -> None:
    for name in ("..", "../..", "a/b", "", "."):
        with pytest.raises(ValueError, match="cannot name a folder"):
            thread_folder(name)
        with pytest.raises(ValueError, match="cannot name a folder"):
            run_folder("t", name)


def test_defect_10__size_and_hash_are_kept_and_a_path_is_named_once(advance: Advance) -> None:
    run = keep(advance, "report.md")
    artifact = Artifact.objects.get()
    content = artifact.stored.read_bytes()
    assert (artifact.size, artifact.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    twin = Artifact(
        thread_id=run.thread_id, run=run, path="report.md", kind="text", stored_name="y", size=1, sha256=""
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        twin.save()


def test_defect_10__a_call_that_runs_again_after_a_crash_leaves_one_whole_file(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    context = ToolContext(folder=tmp_path / "files", artifacts_folder=tmp_path / "kept", call_id="c1")
    for _ in range(2):  # the first time nobody wrote its row
        builtin()["save_artifact"].run(context, {"path": "report.md", "content": "whole"})
    assert [file.read_text() for file in (tmp_path / "kept").iterdir()] == ["whole"]

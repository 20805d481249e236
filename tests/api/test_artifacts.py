"""Artifacts: listed, and downloaded safely."""

from __future__ import annotations

import hashlib
import os

import pytest

from runtime.models import Artifact, Run
from runtime.models.thread import run_folder
from tests.api.conftest import Caller, json_of

CONTENT = b"<script>alert(1)</script>"


def keep(run: Run, path: str = "report.html", stored_name: str = "one.bin") -> Artifact:
    """An artifact as a tool keeps it: the file below the run's directory, and its row."""
    folder = run_folder(run.thread_id, run.run_id) / "artifacts"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / os.path.basename(stored_name)).write_bytes(CONTENT)
    return Artifact.objects.create(
        thread_id=run.thread_id,
        run=run,
        kind="file",
        path=path,
        stored_name=stored_name,
        size=len(CONTENT),
        sha256=hashlib.sha256(CONTENT).hexdigest(),
    )


def body_of(answer: object) -> bytes:
    return b"".join(answer.streaming_content)  # type: ignore[attr-defined]


class TestList:
    def test_it_lists_the_oldest_first(self, reading: Caller, run: Run) -> None:
        first, second = keep(run, "a.txt", "a"), keep(run, "b.txt", "b")
        page = json_of(reading.get(f"/runs/{run.run_id}/artifacts", limit=1))
        assert [item["artifact_id"] for item in page["items"]] == [first.pk]
        assert page["items"][0]["sha256"] == hashlib.sha256(CONTENT).hexdigest()
        page = json_of(reading.get(f"/runs/{run.run_id}/artifacts", cursor=page["next_cursor"]))
        assert [item["artifact_id"] for item in page["items"]] == [second.pk]
        assert page["next_cursor"] is None


class TestDownload:
    def test_it_is_never_shown_by_a_browser(self, reading: Caller, run: Run) -> None:
        answer = reading.get(f"/artifacts/{keep(run).pk}")
        assert body_of(answer) == CONTENT
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Disposition"] == 'attachment; filename="report.html"'
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]

    @pytest.mark.parametrize(
        ("path", "name"),
        [
            ("a\r\nSet-Cookie: x=1", "a__Set-Cookie: x=1"),
            ('deep/er/"quoted".txt', '\\"quoted\\".txt'),
            ("..", "artifact"),
            ("dir/", "artifact"),
            ("\u202egnp.exe", "_gnp.exe"),
        ],
    )
    def test_it_has_a_harmless_name(self, reading: Caller, run: Run, path: str, name: str) -> None:
        answer = reading.get(f"/artifacts/{keep(run, path).pk}")
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
        body_of(answer)

    @pytest.mark.parametrize("stored", ["../../../../../secret_key", "/etc/hostname", "..", "sub/../../../x"])
    def test_it_cannot_leave_the_runs_directory(self, reading: Caller, run: Run, stored: str) -> None:
        artifact = keep(run)
        Artifact.objects.filter(pk=artifact.pk).update(stored_name=stored)
        assert reading.get(f"/artifacts/{artifact.pk}").status_code == 404

    def test_it_follows_no_link(self, reading: Caller, run: Run) -> None:
        artifact = keep(run)
        artifact.stored.unlink()
        artifact.stored.symlink_to("/etc/hostname")
        assert reading.get(f"/artifacts/{artifact.pk}").status_code == 404
        folder = artifact.stored.parent
        artifact.stored.unlink()
        folder.rmdir()
        folder.symlink_to("/etc")
        Artifact.objects.filter(pk=artifact.pk).update(stored_name="hostname")
        assert reading.get(f"/artifacts/{artifact.pk}").status_code == 404

    def test_it_waits_for_no_pipe(self, reading: Caller, run: Run) -> None:
        artifact = keep(run)
        artifact.stored.unlink()
        os.mkfifo(artifact.stored)
        assert reading.get(f"/artifacts/{artifact.pk}").status_code == 404

    def test_it_says_when_the_file_is_gone(self, reading: Caller, run: Run) -> None:
        artifact = keep(run)
        artifact.stored.unlink()
        assert "gone" in json_of(reading.get(f"/artifacts/{artifact.pk}"), 404)["detail"]
        assert reading.get("/artifacts/unknown").status_code == 404

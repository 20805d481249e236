"""`/runs/{run_id}/artifacts` and `/artifacts/{artifact_id}`: what a run kept."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import FileResponse, HttpRequest
from ninja import Router
from pydantic import BaseModel, Field

from runtime.api import paging
from runtime.api.fields import RecordId, Time
from runtime.api.paging import Page, Paged
from runtime.api.problems import Problem
from runtime.api.runs import find
from runtime.api.strict import Id, Query
from runtime.models import Artifact

router = Router(tags=["artifacts"])

CONTENT_DOCUMENT = {
    "responses": {
        200: {
            "description": "The bytes, always as a download.",
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    }
}


class ArtifactRecord(BaseModel):
    """A file that a run kept."""

    artifact_id: RecordId
    thread_id: RecordId
    run_id: RecordId
    kind: str
    path: str = Field(description="The name that the agent gave it.")
    size: int = Field(description="Bytes.")
    sha256: str
    created_at: Time


@router.get("/runs/{run_id}/artifacts", response=Page[ArtifactRecord], summary="List a run's artifacts")
def list_artifacts(request: HttpRequest, run_id: Id, filters: Annotated[Paged, Query()]) -> Any:
    """Oldest first."""
    find(run_id)
    rows = Artifact.objects.of_run(run_id, paging.position("artifacts", filters.cursor))
    return paging.page(
        rows,
        filters.limit,
        _show,
        lambda row: paging.after("artifacts", row.created_at, row.artifact_id),
    )


@router.get(
    "/artifacts/{artifact_id}",
    response={200: None},
    summary="Download an artifact",
    openapi_extra=CONTENT_DOCUMENT,
)
def read_artifact(request: HttpRequest, artifact_id: Id) -> FileResponse:
    """Never shown by a browser: an agent wrote it."""
    artifact = Artifact.objects.filter(pk=artifact_id).first()
    if artifact is None:
        raise Problem(404, f"There is no artifact {artifact_id}.")
    try:
        content = artifact.open()
    except OSError as error:
        raise Problem(404, "The file of this artifact is gone.") from error
    return FileResponse(
        content,
        as_attachment=True,
        filename=artifact.download_name,
        content_type="application/octet-stream",
        headers={"X-Content-Type-Options": "nosniff"},
    )


def _show(row: Artifact) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ArtifactRecord.model_fields}

"""`save_artifact`: keeps a text as a file of the run, outside the working folder."""

from __future__ import annotations

import hashlib
from typing import Annotated

from pydantic import Field

from runtime.tools.arguments import Arguments, make_tool
from runtime.tools.base import ArtifactFile, ToolContext, ToolError, ToolResult
from runtime.tools.folder import make_private, shown, split_file, write_bytes
from runtime.tools.writing import measure

MAX_PATH_LENGTH = 1_000
MAX_PATH_BYTES = 2_000  #: a path stands in an index, and PostgreSQL's rows of one have 2,704


class SaveArtifactArguments(Arguments):
    """Keep a text as an artifact of this run: a result that people can download.

    It does not become part of the working folder.
    """

    path: Annotated[
        str,
        Field(
            description="Name of the artifact, for example report.md.",
            min_length=1,
            max_length=MAX_PATH_LENGTH,
        ),
    ]
    content: Annotated[str, Field(description="The whole content.")]


def _save_artifact(context: ToolContext, arguments: SaveArtifactArguments) -> ToolResult:
    path = "/".join(split_file(arguments.path))
    if len(path.encode()) > MAX_PATH_BYTES:
        raise ToolError(f"The path has {len(path.encode()):,} bytes; at most {MAX_PATH_BYTES:,} are kept.")
    content = arguments.content.encode()
    sha256 = hashlib.sha256(content).hexdigest()
    # The path is a label only. This name is the same when the call runs again, and no other call's.
    name = hashlib.sha256("\0".join((context.call_id, path, sha256)).encode()).hexdigest()[:32]
    make_private(context.artifacts_folder)
    write_bytes(context.artifacts_folder, (name,), content, context.call_id)
    stored = context.artifacts_folder / name
    artifact = ArtifactFile(path=path, stored=stored, size=len(content), sha256=sha256, kind="text")
    return ToolResult(f"Saved {shown(path)}: {measure(arguments.content)}.", (artifact,))


save_artifact = make_tool(_save_artifact, SaveArtifactArguments, repeatable=True)

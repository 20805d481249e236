"""What a command prints: the beginning is shown; when there is more, all of it is kept as an artifact."""

from __future__ import annotations

import hashlib
import os
import secrets
from contextlib import suppress
from typing import BinaryIO

from runtime.faults import Point, reach
from runtime.tools.base import ArtifactFile, ToolContext
from runtime.tools.folder import TEMPORARY, make_private

BUFFER = 64 << 10


class Output:
    """Takes bytes as they come; a context manager that leaves no half-written file."""

    def __init__(self, context: ToolContext) -> None:
        self._context = context
        self._shown = bytearray()
        self._file: BinaryIO | None = None
        self._hash = hashlib.sha256()
        name = hashlib.sha256(f"{context.call_id}\0output".encode()).hexdigest()[:32]
        self._stored = context.artifacts_folder / name
        self._draft = context.artifacts_folder / f"{TEMPORARY}{name}-{secrets.token_hex(8)}"
        self.size = 0

    def __enter__(self) -> Output:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
        with suppress(OSError):
            self._draft.unlink()

    def take(self, chunk: bytes) -> None:
        """The next piece."""
        limit = self._context.max_output_bytes
        if self._file is None and self.size + len(chunk) > limit:
            self._file = self._begin()
            self._file.write(self._shown)  # which is all so far
        if self._file is not None:
            self._file.write(chunk)
        self._hash.update(chunk)
        self._shown += chunk[: limit - len(self._shown)]
        self.size += len(chunk)

    def _begin(self) -> BinaryIO:
        make_private(self._context.artifacts_folder)
        descriptor = os.open(self._draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        return os.fdopen(descriptor, "wb", BUFFER)

    @property
    def text(self) -> str:
        """What is shown, never more than allowed. Bytes that are not UTF-8, and NUL, are replaced."""
        text = self._shown.decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
        limit = self._context.max_output_bytes  # a byte replaced is three bytes
        return text.encode()[:limit].decode("utf-8", "ignore")

    def keep(self, path: str) -> tuple[ArtifactFile, ...]:
        """Stores the whole output when not all of it is shown: synced, then renamed."""
        if self._file is None:
            return ()
        self._file.flush()
        os.fsync(self._file.fileno())
        reach(Point.FILE_SYNCED)
        os.rename(self._draft, self._stored)
        reach(Point.FILE_RENAMED)
        folder = os.open(self._context.artifacts_folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return (ArtifactFile(path, self._stored, self.size, self._hash.hexdigest(), "text"),)

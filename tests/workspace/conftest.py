"""A workspace folder that a test fills, and its problems as lines of text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent, indent

import pytest

from runtime.workspace import Workspace, WorkspaceError, load

HEAD = "apiVersion: agent-harness/v1alpha1\nkind: {kind}\nmetadata:\n  name: {name}\nspec:\n"


class Folder:
    """A workspace folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def file(self, name: str, content: str | bytes) -> Folder:
        """Writes a file as it is."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return self

    def document(self, kind: str, spec: str, name: str = "mine", file: str = "") -> Folder:
        """Writes one document; its spec begins in line 6."""
        text = HEAD.format(kind=kind, name=name) + indent(dedent(spec).strip("\n"), "  ") + "\n"
        return self.file(file or f"{kind.lower()}.yaml", text)

    def load(self, environ: Mapping[str, str] | None = None) -> Workspace:
        """The workspace; raises WorkspaceError."""
        return load(self.path, environ or {})

    def problems(self, environ: Mapping[str, str] | None = None) -> list[str]:
        """The problems that loading finds, as text."""
        with pytest.raises(WorkspaceError) as caught:
            self.load(environ)
        assert str(caught.value).splitlines() == [str(problem) for problem in caught.value.problems]
        return [str(problem) for problem in caught.value.problems]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """An empty workspace folder."""
    return Folder(tmp_path)

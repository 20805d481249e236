"""The built-in workspace merged with a folder, validated as a whole. Every problem is found in one go."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any, TypeVar

from pydantic import ValidationError

from runtime.workspace.documents import MAX_FILE_BYTES, Document, read_documents
from runtime.workspace.envelope import identify, name_of
from runtime.workspace.environment import override
from runtime.workspace.merge import merge
from runtime.workspace.problems import (
    Identity,
    Mark,
    Path,
    Problem,
    WorkspaceError,
    dotted,
    from_validation,
    mark_of,
)
from runtime.workspace.references import dangling
from runtime.workspace.specs import AgentSpec, ModelsKind, ToolsKind, Workspace, WorkspaceKind
from runtime.workspace.values import Spec

BUILT_IN = FilePath(__file__).parent / "builtin"
CONTEXT = "agent-context.md"
MAX_FILES = 1_000

S = TypeVar("S", bound=Spec)


def workspace_files(folder: FilePath) -> list[FilePath]:
    """The files that make up a workspace, in the order in which they are read."""
    found = [*folder.glob("*.y*ml"), *(folder / "agents").glob("*.y*ml"), folder / CONTEXT]
    return sorted(path for path in found if path.suffix in (".yaml", ".yml", ".md") and path.is_file())


def load(folder: FilePath | None, environ: Mapping[str, str]) -> Workspace:
    """The built-in defaults merged with the folder's documents; raises WorkspaceError with every problem.

    `HARNESS_MODEL_BASE_URL`, `HARNESS_MODEL` and `HARNESS_MODEL_API_KEY` of the environment win over both.
    """
    loading = _Loading(environ)
    loading.read(BUILT_IN, "built-in ")
    if folder is not None:
        loading.read(folder, "")
    workspace = loading.finish()
    if workspace is None or loading.problems:
        raise WorkspaceError(loading.problems)
    return workspace


class _Loading:
    """One load under way: the documents merged so far, and what was found wrong."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.problems: list[Problem] = []
        self.report = self.problems.append
        self.parts: dict[Identity, Document] = {}
        self.context = ""
        self.name = "default"

    def read(self, folder: FilePath, prefix: str) -> None:
        """Merges the documents of one folder over what there is."""
        if not folder.is_dir():
            self.report(Problem(str(folder), 0, "", "is not a folder."))
            return
        files = workspace_files(folder)
        if len(files) > MAX_FILES:
            self.report(Problem(str(folder), 0, "", f"has more than {MAX_FILES:,} files."))
        seen: dict[Identity, Mark] = {}
        for path in files[:MAX_FILES]:
            file = prefix + path.relative_to(folder).as_posix()
            try:
                with path.open("rb") as handle:
                    content = handle.read(MAX_FILE_BYTES + 1)
            except OSError as error:
                self.report(Problem(file, 0, "", f"cannot be read: {error.strerror}."))
                continue
            if path.suffix == ".md":
                self._read_context(file, content)
                continue
            for document in read_documents(file, content, self.environ, self.report):
                self._add(document, seen)

    def _read_context(self, file: str, content: bytes) -> None:
        if len(content) > MAX_FILE_BYTES:
            self.report(Problem(file, 0, "", f"is too long: {MAX_FILE_BYTES:,} bytes are allowed."))
        try:
            self.context = content.decode("utf-8-sig").strip()
        except UnicodeDecodeError:
            self.report(Problem(file, 0, "", "is not UTF-8 text."))

    def _add(self, document: Document, seen: dict[Identity, Mark]) -> None:
        identity = identify(document, self.report)
        if identity is None:
            return
        mark = document.marks[()]
        first = seen.setdefault(identity, mark)
        if first is not mark:
            message = f"{' '.join(identity).strip()} stands twice, first in {first.file}:{first.line}."
            self.report(Problem(mark.file, mark.line, "", message))
            return
        if identity[0] == "Workspace":
            self.name = name_of(document) or self.name
        value, marks = {"spec": document.value.get("spec")}, document.marks
        base = self.parts.get(identity, Document(document.file, {"spec": {}}))
        value, marks = merge(base.value, base.marks, value, marks)
        self.parts[identity] = Document(document.file, value, marks)

    def finish(self) -> Workspace | None:
        """The validated workspace; None when it cannot be built."""
        general = self._validate(WorkspaceKind, ("Workspace", ""), self._spec(("Workspace", "")))
        models = self._validate(ModelsKind, ("Models", ""), self._models())
        tools = self._validate(ToolsKind, ("Tools", ""), self._spec(("Tools", "")))
        default_model = general.routing.default_model if general else "default"
        agents = {name: self._agent(name, default_model) for kind, name in self.parts if kind == "Agent"}
        if general is None or models is None or tools is None or None in agents.values():
            return None
        workspace = Workspace(
            name=self.name,
            agents={name: agent for name, agent in agents.items() if agent},
            models=models.models,
            tools=tools.tools,
            places={identity: part.marks for identity, part in self.parts.items()},
            **{key: getattr(general, key) for key in WorkspaceKind.model_fields},
        )
        workspace = override(workspace, self.environ, self.report)
        self.problems += dangling(workspace)
        return workspace

    def _spec(self, identity: Identity) -> Any:
        return self.parts[identity].value["spec"]

    def _models(self) -> Any:
        identity = ("Models", "")
        spec = self._spec(identity)
        if not isinstance(spec, dict) or not isinstance(spec.get("models"), dict):
            return spec
        models = {
            name: self._named(identity, ("spec", "models", name), model, name)
            for name, model in spec["models"].items()
        }
        return {**spec, "models": models}

    def _agent(self, name: str, default_model: str) -> AgentSpec | None:
        identity = ("Agent", name)
        spec = self._named(identity, ("spec",), self._spec(identity), name)
        if isinstance(spec, dict):
            spec = {"model": default_model, **spec}
        agent = self._validate(AgentSpec, identity, spec)
        if agent and self.context:
            text = f"{agent.instructions.rstrip()}\n\n{self.context}".strip()
            agent = agent.model_copy(update={"instructions": text})
        return agent

    def _named(self, identity: Identity, path: Path, spec: Any, name: str) -> Any:
        """The spec with the name that its place gives it; it cannot give itself another."""
        if not isinstance(spec, dict):
            return spec
        if "name" in spec:
            mark = mark_of((*path, "name"), self.parts[identity].marks, Mark("workspace", 0))
            message = f"is not known here; the name is '{name}' already."
            self.report(Problem(mark.file, mark.line, dotted((*path, "name")), message))
        return {**spec, "name": name}

    def _validate(self, model: type[S], identity: Identity, spec: Any) -> S | None:
        try:
            return model.model_validate(spec)
        except ValidationError as error:
            part = self.parts[identity]
            self.problems += from_validation(error, model, ("spec",), part.marks, Mark(part.file, 0))
            return None

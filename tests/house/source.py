"""Source files as syntax trees: what they import, who their expressions speak of."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[2]

#: Functions whose text argument names a module.
IMPORTERS = {"import_module", "__import__", "import_string", "find_spec", "include"}


@dataclass(frozen=True)
class Source:
    """One Python file; `path` is relative to the project, with `/`."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @property
    def room(self) -> str:
        """`runtime/web/feed.py` → `web`; `harness_site` and `manage` for what lies outside of runtime."""
        first, *rest = PurePosixPath(self.path).with_suffix("").parts
        return rest[0] if first == "runtime" else first

    @property
    def package(self) -> list[str]:
        """The package that a relative import starts from."""
        return list(PurePosixPath(self.path).parent.parts)

    def at(self, node: ast.AST, sentence: str) -> str:
        """A finding: `runtime/web/feed.py:12: sentence`."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}: {sentence}"

    def imports(self) -> Iterator[tuple[ast.AST, str]]:
        """Every module or name imported, dotted: at the top, inside functions, for types, by name."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield node, alias.name
            elif isinstance(node, ast.ImportFrom):
                base = [node.module] if node.module else []
                if node.level:
                    base = self.package[: len(self.package) - node.level + 1] + base
                for alias in node.names:
                    yield node, ".".join([*base, alias.name])
            elif isinstance(node, ast.Call) and name_of(node.func) in IMPORTERS:
                for argument in node.args:
                    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                        yield node, argument.value

    def unnamed_imports(self) -> Iterator[ast.AST]:
        """Imports of a module whose name is worked out: nobody could check them."""
        for node in ast.walk(self.tree):
            if not isinstance(node, ast.Call) or name_of(node.func) not in IMPORTERS - {"include"}:
                continue
            if not (node.args and isinstance(node.args[0], ast.Constant)):
                yield node


def name_of(node: ast.AST) -> str:
    """The last word of a name or attribute; empty for anything else."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def lies_in(name: str, *prefixes: str) -> bool:
    """Whether a dotted name is one of these or lies below."""
    return any(name == prefix or name.startswith(prefix + ".") for prefix in prefixes)


def read(*folders: str, root: Path = ROOT) -> list[Source]:
    """Every Python file below the folders, sorted by path."""
    found = sorted(path for folder in folders for path in (root / folder).rglob("*.py"))
    return [Source(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")) for path in found]

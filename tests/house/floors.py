"""Imports only go down, and what only one room may import."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Mapping

from tests.house.source import Source, lies_in

#: Every room of `runtime/` and its floor; -1 is the ground.
FLOORS = {
    **dict.fromkeys(
        ["http", "canonical", "doorbell", "log", "redaction", "faults", "reserve", "queuefile"], -1
    ),
    **dict.fromkeys(["lifecycle", "gate", "workspace", "providers", "tools"], 0),
    **dict.fromkeys(["events", "diagnosis"], 1),
    **dict.fromkeys(["models"], 2),
    **dict.fromkeys(["journal", "catalogue", "access", "outage", "migrations"], 3),
    **dict.fromkeys(["actions", "engine", "upkeep", "viewing"], 4),
    **dict.fromkeys(["seat", "tasks"], 5),
    **dict.fromkeys(["web", "api", "admin", "benchmarks"], 6),
    **dict.fromkeys(["management", "apps", "checks"], 7),
}
#: Neighbours on one floor never import each other, but for these: the tasks run in the worker's seat, the app
#: registers its checks, and the log keeps secrets out.
BESIDE = {("tasks", "seat"), ("apps", "checks"), ("log", "redaction")}

#: Room → what it never imports, although the floors would let it.
BANS = {
    **dict.fromkeys(["web", "api", "admin"], ("engine", "tasks", "seat", "providers", "tools", "http")),
    "migrations": ("journal", "catalogue", "access", "events"),
}

#: Package → the only places that import it.
ONLY_IN = {
    "httpx": ("runtime/http.py",),
    "huey": ("runtime/tasks.py",),
    # The server's own end of the streams is asynchronous by its nature.
    "asyncio": (
        "runtime/web/feed.py",
        "runtime/web/live.py",
        "runtime/web/audience.py",
        "runtime/web/sources/",  # read on the same loop: two connections for thousands of streams
        "runtime/providers/",
        "harness_site/admission.py",
        "harness_site/asgi.py",
        "harness_site/body_limit.py",
        "harness_site/handler.py",
    ),
    # Not everybody has it: who imports it is himself imported only when the settings ask for PostgreSQL.
    "psycopg": (
        "harness_site/databases.py",
        "runtime/journal/postgresql.py",
        "runtime/journal/listener.py",
        "runtime/web/sources/postgresql.py",
    ),
    "redis": ("runtime/tasks.py", "harness_site/databases.py"),
    "anyio": (),
    "trio": (),
    "requests": (),
    "urllib3": (),
    "urllib.request": (),
}

#: Of the project, what `harness_site` may import: the doors.
DOORS = ("harness_site", "runtime.web", "runtime.api", "runtime.admin")

#: Know no clock, no chance, no database, no file.
PURE = (
    "runtime/canonical.py",
    "runtime/redaction.py",
    "runtime/lifecycle.py",
    "runtime/events.py",
    "runtime/gate.py",
    "runtime/diagnosis/__init__.py",
    "runtime/diagnosis/ended.py",
    "runtime/diagnosis/facts.py",
    "runtime/diagnosis/faults.py",
    "runtime/diagnosis/progress.py",
    "runtime/diagnosis/queued.py",
    "runtime/diagnosis/running.py",
    "runtime/diagnosis/waiting.py",
    "runtime/diagnosis/words.py",
    "runtime/engine/steps.py",
    "runtime/engine/transcript.py",
    "runtime/providers/retry.py",
)
IMPURE = (
    *("time", "random", "secrets", "uuid", "uuid_utils"),
    *("os", "pathlib", "socket", "threading", "subprocess"),
)
CLOCKS = {"now", "utcnow", "today"}
ORM = ("django", "runtime.models")
STANDARD_ONLY = "Standard library only."


def rooms_without_floor(sources: Iterable[Source]) -> list[str]:
    """A new room is given a floor before it is built on."""
    return [
        source.at(source.tree, f"the room {source.room} has no floor")
        for source in sources
        if source.path.startswith("runtime/") and source.room not in {*FLOORS, "__init__"}
    ]


def climbing_imports(sources: Iterable[Source]) -> list[str]:
    """Imports that go up or sideways, from `runtime/` and from `harness_site/`."""
    return [
        source.at(node, f"{source.room} imports {name}")
        for source in sources
        for node, name in source.imports()
        if lies_in(name, "runtime", "harness_site") and not _may_import(source, name)
    ]


def _may_import(source: Source, name: str) -> bool:
    if source.path.startswith("harness_site/"):
        return lies_in(name, *DOORS) or name == "runtime"
    floor = FLOORS.get(source.room)
    if floor is None:
        return False
    if lies_in(name, "harness_site"):
        return source.room in {"management", "benchmarks"}  # they start the whole product
    target = name.split(".")[1] if "." in name else ""
    if target == source.room:
        return True
    if target in BANS.get(source.room, ()):
        return False
    return FLOORS.get(target, 99) < floor or (source.room, target) in BESIDE


def misplaced_packages(sources: Iterable[Source]) -> list[str]:
    """Imports of a package that only one place may import."""
    found = []
    for source in sources:
        for node, name in source.imports():
            for package, places in ONLY_IN.items():
                if lies_in(name, package) and not any(_is_at(source.path, place) for place in places):
                    found.append(source.at(node, f"imports {name}, which only {places or 'nobody'} may"))
    return found


def _is_at(path: str, place: str) -> bool:
    return path.startswith(place) if place.endswith("/") else path == place


def databases_below(sources: Iterable[Source]) -> list[str]:
    """The ORM on the floors below the models."""
    return [
        source.at(node, f"imports {name} below the models")
        for source in sources
        if FLOORS.get(source.room, 99) < FLOORS["models"]
        for node, name in source.imports()
        if lies_in(name, *ORM)
    ]


def impurities(sources: Iterable[Source]) -> list[str]:
    """Anything but calculation in a module that is to be pure."""
    found = []
    for source in sources:
        if source.path in PURE:
            found += [
                source.at(node, f"imports {name} and is to be pure")
                for node, name in source.imports()
                if lies_in(name, *IMPURE, *ORM)
            ]
            found += [
                source.at(node, "reads the clock and is to be pure")
                for node in ast.walk(source.tree)
                if isinstance(node, ast.Attribute) and node.attr in CLOCKS
            ]
    return found


def unkept_standard_only(sources: Iterable[Source]) -> list[str]:
    """Modules that say "Standard library only." keep the word, and so does all of ours that they import."""
    modules = {_module(source): source for source in sources}
    todo = [name for name, source in modules.items() if STANDARD_ONLY in (_docstring(source) or "")]
    seen, found = set(todo), []
    while todo:
        source = modules[todo.pop()]
        for node, name in source.imports():
            ours = _longest(name, modules)
            if ours and ours not in seen:
                seen.add(ours)
                todo.append(ours)
            if not ours and name.split(".")[0] not in sys.stdlib_module_names:
                found.append(source.at(node, f"is to need the standard library alone and imports {name}"))
    return found


def _longest(name: str, modules: Mapping[str, Source]) -> str:
    """The module of ours that a dotted name speaks of; empty when it is none."""
    words = name.split(".")
    prefixes = (".".join(words[:count]) for count in range(len(words), 0, -1))
    return next((prefix for prefix in prefixes if prefix in modules), "")


def unnamed_imports(sources: Iterable[Source]) -> list[str]:
    """Imports whose module's name is worked out at run time."""
    return [
        source.at(node, "imports a module that only the run time knows")
        for source in sources
        for node in source.unnamed_imports()
    ]


def without_docstring(sources: Iterable[Source]) -> list[str]:
    """Modules that do not say what they are."""
    return [
        source.at(source.tree, "has no docstring")
        for source in sources
        if not (_docstring(source) or "").strip()
    ]


def _docstring(source: Source) -> str | None:
    return ast.get_docstring(source.tree)


def _module(source: Source) -> str:
    return source.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

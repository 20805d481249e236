"""By which limits it is judged: the workspace's, and while that is broken the last good ones."""

from __future__ import annotations

from functools import cache

from runtime import catalogue, workspace
from runtime.workspace import Workspace, WorkspaceError
from runtime.workspace.health import Health

_last: list[Workspace] = []


def current() -> Workspace:
    """The workspace; the last one that could be read; the built-in one."""
    try:
        _last[:] = [catalogue.current().workspace]
    except WorkspaceError:
        return _last[0] if _last else _built_in()
    return _last[0]


def of_health() -> Health:
    """Its limits for the health."""
    return current().health


def sample_seconds() -> float:
    """Between two samples."""
    return of_health().sample_seconds


@cache
def _built_in() -> Workspace:
    return workspace.load(None, {})

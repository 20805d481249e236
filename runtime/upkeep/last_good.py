"""The workspace that upkeep goes by: while the present one is broken, the last good one."""

from __future__ import annotations

from functools import cache

from runtime import catalogue, workspace
from runtime.workspace import Workspace, WorkspaceError

_last: list[Workspace] = []


def current() -> Workspace:
    """The workspace; the last one that could be read; the built-in one."""
    try:
        _last[:] = [catalogue.current().workspace]
    except WorkspaceError:
        return _last[0] if _last else _built_in()
    return _last[0]


@cache
def _built_in() -> Workspace:
    return workspace.load(None, {})

"""The workspace: YAML files, merged over built-in ones, as frozen and validated specs.

WorkspaceError    it cannot be used; holds every Problem with file, line, key and what would be right
"""

from __future__ import annotations

from runtime.workspace.environment import VARIABLES
from runtime.workspace.loader import BUILT_IN, load, workspace_files
from runtime.workspace.maintenance import Maintenance
from runtime.workspace.problems import Problem, WorkspaceError
from runtime.workspace.references import unknown_tools
from runtime.workspace.specs import (
    AgentSpec,
    Limits,
    ModelSpec,
    Retry,
    RuleSpec,
    Timeouts,
    ToolSpec,
    Workspace,
)

__all__ = [
    "BUILT_IN",
    "VARIABLES",
    "AgentSpec",
    "Limits",
    "Maintenance",
    "ModelSpec",
    "Problem",
    "Retry",
    "RuleSpec",
    "Timeouts",
    "ToolSpec",
    "Workspace",
    "WorkspaceError",
    "load",
    "unknown_tools",
    "workspace_files",
]

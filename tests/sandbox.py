"""Whether the tests of the shell can run here: like Chromium, its absence is an error on a build machine."""

from __future__ import annotations

import os
from functools import cache

from runtime.tools import sandbox

FIXTURE = "shell"  #: tests that ask for it need a working sandbox


@cache
def why_not() -> str:
    """Why there is no sandbox; empty when there is one."""
    state = sandbox.state()
    return state.reason if isinstance(state, sandbox.Off) else ""


def is_required() -> bool:
    """Whether its absence is an error: nothing is left out unnoticed on a build machine."""
    return os.environ.get("CI") == "true"

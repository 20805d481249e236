"""The sandbox in which a command of the model runs: what it can reach, what it may use, and how it ends.

`run` runs one command. `state` says whether this machine can hold one in, `prove` tests it with everything
that `attacks/` knows. Linux with bubblewrap, as root or as an ordinary user.
"""

from __future__ import annotations

from runtime.tools.sandbox.host import Unavailable
from runtime.tools.sandbox.launch import CannotStart
from runtime.tools.sandbox.limits import Limits
from runtime.tools.sandbox.running import Outcome, run
from runtime.tools.sandbox.status import Off, State, Working, begin, keep_in, prove, state

__all__ = [
    "CannotStart",
    "Limits",
    "Off",
    "Outcome",
    "State",
    "Unavailable",
    "Working",
    "begin",
    "keep_in",
    "prove",
    "run",
    "state",
]

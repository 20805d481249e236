"""What there is: the workspace joined with the tools and providers that exist.

The one room that pages, API and commands ask for agents, tools and models. A run's agent is resolved when
the run is requested, stored with it, and bound again whenever the run goes on: a changed workspace does not
change a run under way. Keys are never stored: binding looks them up, only for the address they belong to.
"""

from __future__ import annotations

from runtime.catalogue.catalogue import Catalogue, UnknownAgent
from runtime.catalogue.present import current, forget, missing
from runtime.catalogue.resolved import Connection, ResolvedAgent
from runtime.tools import irreversible, parameters
from runtime.tools.summary import preview, sentence

__all__ = [
    "Catalogue",
    "Connection",
    "ResolvedAgent",
    "UnknownAgent",
    "current",
    "forget",
    "irreversible",
    "parameters",
    "missing",
    "preview",
    "sentence",
]

"""Bringing a reference database along: its rows and artifacts become records here, each once.

The file is read in one snapshot and never changed. What cannot be taken is left out and said; what is here
already is left as it is, unless the file has the newer state of a run that nobody has acted on here.
"""

from __future__ import annotations

from runtime.upkeep.imports.bring import import_reference
from runtime.upkeep.imports.report import Report
from runtime.upkeep.imports.source import CutOff, NotImportable

__all__ = ["CutOff", "NotImportable", "Report", "import_reference"]

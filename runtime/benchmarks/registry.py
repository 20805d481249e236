"""The product's own benchmarks, each a module with `NAME`, `SUMMARY`, `add_arguments` and `run`.

`manage.py benchmark NAME` runs one in a data directory of its own. A new one is imported here and named in
`ALL`; the README's table is made from `SUMMARY`.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from runtime.benchmarks import (
    checkpoint_resume,
    decision,
    deletion,
    events,
    live,
    local_model,
    maintenance,
    pages,
    recovery,
    runs,
    torture,
)
from runtime.benchmarks.report import Report

__all__ = ["ALL", "Benchmark"]


class Benchmark(Protocol):
    """What a benchmark's module offers."""

    NAME: str
    SUMMARY: str  #: one line, for the list and the README

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Its own options."""

    def run(self, options: Namespace) -> Report:
        """Measures. The data directory and the database of the settings are the benchmark's own: migrated and
        empty. Raises BenchmarkError with one sentence when it cannot be done here."""


_KNOWN: tuple[Benchmark, ...] = (
    *(runs, events, checkpoint_resume, decision, live, local_model),
    *(pages, deletion, maintenance, recovery, torture),
)
ALL: Mapping[str, Benchmark] = MappingProxyType({each.NAME: each for each in _KNOWN})

"""What a benchmark gives back: figures with their units, and words about them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

ROUNDS = 3  #: at least; a median of fewer says little


class BenchmarkError(Exception):
    """It cannot be measured here; `str()` is one sentence."""


@dataclass(frozen=True)
class Figure:
    """One result. `value` is the median of `rounds`, in the order in which they were measured."""

    name: str
    value: float
    unit: str
    rounds: tuple[float, ...] = ()

    @classmethod
    def of(cls, name: str, unit: str, rounds: Iterable[float]) -> Figure:
        """The median of several rounds."""
        measured = tuple(rounds)
        return cls(name, median(measured), unit, measured)


@dataclass
class Report:
    """Figures in the order in which they are shown; `text` is what a table of figures cannot say."""

    figures: list[Figure] = field(default_factory=list)
    text: str = ""
    failed: str = ""  #: one sentence when what was measured is wrong, whatever the figures

    def add(self, name: str, unit: str, rounds: Iterable[float]) -> float:
        """Adds a figure, the median of its rounds; gives that median."""
        self.figures.append(Figure.of(name, unit, rounds))
        return self.figures[-1].value

    def say(self, *lines: str) -> None:
        """Adds lines to the text."""
        self.text += "".join(f"{line}\n" for line in lines)

    def as_json(self) -> dict[str, Any]:
        """`{"figures": {name: {"value", "unit", "rounds"}}, "text"}`."""
        return {
            "figures": {
                f.name: {"value": f.value, "unit": f.unit, "rounds": list(f.rounds)} for f in self.figures
            },
            "text": self.text,
        }

    def as_text(self) -> str:
        """A table, then the text."""
        rows = [[f.name, number(f.value), f.unit, " ".join(map(number, f.rounds))] for f in self.figures]
        return table(["figure", "median", "unit", "rounds"], rows) + (f"\n{self.text}" if self.text else "")


def number(value: float) -> str:
    """Three significant digits, whole numbers whole: 41.2, 0.00312, 1,250,000."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns side by side; all but the first and last are numbers or short words and stand to the right."""
    lines = [list(heads), *map(list, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    last = len(heads) - 1
    return "".join(
        "  ".join(
            cell.ljust(width) if column in (0, last) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        + "\n"
        for line in lines
    )


def percentile(values: Iterable[float], percent: float) -> float:
    """The smallest value that at least `percent` of all do not exceed; 0 of none."""
    ordered = sorted(values)
    if not ordered:
        return 0.0
    return ordered[max(0, -(-len(ordered) * percent // 100).__int__() - 1)]

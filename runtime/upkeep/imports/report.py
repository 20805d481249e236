"""What an import did, in counts by table, and what it left out, each kind of reason with examples."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

EXAMPLES = 5  #: ids that are named for one reason; a broken file may have millions


@dataclass
class Reason:
    """Why some rows of a table were left out."""

    count: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass
class Report:
    """`imported`, `updated`, `there` (already): rows by table. `skipped`: by table and reason."""

    imported: Counter[str] = field(default_factory=Counter)
    updated: Counter[str] = field(default_factory=Counter)
    there: Counter[str] = field(default_factory=Counter)
    skipped: dict[tuple[str, str], Reason] = field(default_factory=dict)
    notes: Counter[str] = field(default_factory=Counter)

    def skip(self, table: str, row: object, reason: str, count: int = 1) -> None:
        """Says that a row (or `count` rows like it) was left out."""
        kept = self.skipped.setdefault((table, reason), Reason())
        kept.count += count
        if len(kept.examples) < EXAMPLES:
            kept.examples.append(str(row)[:80])

    def lines(self) -> list[str]:
        """For a person."""
        said = [
            f"{label}: {_counts(counts) or 'nothing'}"
            for label, counts in (
                ("imported", self.imported),
                ("brought up to date", self.updated),
                ("here already", self.there),
            )
            if any(counts.values()) or label == "imported"
        ]
        said += [f"note: {count} × {note}" for note, count in sorted(self.notes.items())]
        for (table, reason), kept in sorted(self.skipped.items()):
            named = ", ".join(map(_plain, kept.examples)) + (", …" if kept.count > len(kept.examples) else "")
            said.append(f"left out: {kept.count} of {table}: {reason} ({named})")
        return said

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "imported": dict(self.imported),
            "updated": dict(self.updated),
            "there": dict(self.there),
            "notes": dict(self.notes),
            "skipped": [
                {"table": table, "reason": reason, "count": kept.count, "examples": kept.examples}
                for (table, reason), kept in sorted(self.skipped.items())
            ],
        }


def _plain(example: str) -> str:
    """What stands in a foreign file begins no line of ours and drives no terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in example)


def _counts(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {table}" for table, count in sorted(counts.items()) if count)

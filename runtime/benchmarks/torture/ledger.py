"""What the product has promised: every act that it acknowledged, as the client wrote it down."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Promise:
    """One acknowledged act. `act`: start, retry, decide, cancel, resolve or delete."""

    act: str
    thread_id: str
    run_id: str
    about: str = ""  #: the key of a start or retry, the approval of a decision
    said: str = ""  #: the decision or outcome
    at: float = 0.0


@dataclass
class Ledger:
    """All of them, in the order in which they were acknowledged."""

    promises: list[Promise] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)  #: answers that no server should give

    def note(self, act: str, thread_id: str, run_id: str, about: str = "", said: str = "") -> None:
        """Writes one down."""
        self.promises.append(Promise(act, thread_id, run_id, about, said, time.time()))

    def of(self, act: str) -> list[Promise]:
        return [promise for promise in self.promises if promise.act == act]

    def save(self, path: Path) -> None:
        """As JSON, for a judge in another process."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Ledger:
        """What `save` wrote."""
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return cls([Promise(**each) for each in found["promises"]], found["wrong"])

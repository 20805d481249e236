"""`python3 -m … FACTS.json NAME...`: runs these attacks, prints a line of JSON for each.

Standard library only.
"""

from __future__ import annotations

import json
import sys

from runtime.tools.sandbox.attacks import burdens, files, kernel, network, processes
from runtime.tools.sandbox.attacks.common import Facts

ATTACKS = (
    files.ATTACKS | network.ATTACKS | processes.ATTACKS | kernel.ATTACKS | burdens.ATTACKS | burdens.ALONE
)


def main(facts: Facts, names: list[str]) -> None:
    """What each attack managed; one that breaks says so, which is no success."""
    for name in names:
        try:
            managed = list(ATTACKS[name](facts))
        except Exception as error:
            managed = [f"break the test ({type(error).__name__}: {error})"]
        sys.stdout.write(json.dumps({"attack": name, "managed": managed}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        known = Facts(**json.load(file))
    main(known, sys.argv[2:])

"""The oracle as a process: `python -m tests.crash.oracle LEDGER [--exact]` prints the violations as JSON.

It works on the installation that its environment names.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import django


def main() -> None:
    """Judges."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "harness_site.settings"
    django.setup()
    from runtime.benchmarks.torture.judge import judge
    from runtime.benchmarks.torture.ledger import Ledger

    found = judge(Ledger.load(Path(sys.argv[1])), exact="--exact" in sys.argv)
    print(json.dumps(found.violations))


if __name__ == "__main__":
    main()

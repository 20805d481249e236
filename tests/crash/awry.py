"""The product with its clock in the hands of libfaketime: `awry.py COMMAND …`.

libfaketime 0.9.10 answers the way in which Python sleeps (until a moment of the monotonic clock) with an
error, so this sleeps in another way, for as long.
"""

from __future__ import annotations

import os
import select
import sys
import time
from pathlib import Path


def sleep(seconds: float) -> None:
    """As `time.sleep`."""
    select.select([], [], [], seconds)


def main() -> None:
    """Runs a command of the product."""
    time.sleep = sleep  # type: ignore[assignment]
    sys.path[0] = str(Path(__file__).resolve().parents[2])
    os.environ["DJANGO_SETTINGS_MODULE"] = "harness_site.settings"
    from django.core.management import execute_from_command_line

    execute_from_command_line(["manage.py", *sys.argv[1:]])


if __name__ == "__main__":
    main()

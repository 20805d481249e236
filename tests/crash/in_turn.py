"""Several commands of the product in one process, which starts once: `python -m tests.crash.in_turn LINE…`.

A line is what comes after `manage.py`, or `wait SECONDS`. Prints a JSON list: what each of them said, up
to the first that failed.
"""

from __future__ import annotations

import io
import json
import sys
import time

import django
from django.core.management import call_command


def carry_out(line: str, said: io.StringIO) -> None:
    """One of them; a command that fails raises."""
    name, *words = line.split()
    if name == "wait":
        time.sleep(float(words[0]))
    else:
        call_command(name, *words, stdout=said)


def main(lines: list[str]) -> None:
    """Each when the one before it has succeeded."""
    said = [io.StringIO() for _ in lines]
    try:
        for line, heard in zip(lines, said, strict=True):
            carry_out(line, heard)
    finally:
        print(json.dumps([heard.getvalue().strip() for heard in said]))


if __name__ == "__main__":
    django.setup()
    main(sys.argv[1:])

#!/usr/bin/env python3
"""Every command of the product. Enters its own virtual environment first (`harness_site/bootstrap.py`)."""

from __future__ import annotations

import gc
import os
import sys


def main() -> None:
    """One command, in `.venv`."""
    if sys.argv[1:2] == ["supervise"]:  # what `up` turns into; it needs no Django
        from harness_site import supervisor

        sys.exit(supervisor.main(*sys.argv[2:]))
    if sys.argv[1:] in (["--version"], ["version"]):
        from harness_site.version import version

        sys.stdout.write(f"Agent Harness {version()}\n")
        return
    from harness_site import bootstrap

    bootstrap.enter(sys.argv)
    run(sys.argv)


def run(arguments: list[str]) -> None:
    """Run it; a wrong setting or an unusable database is one sentence, not a traceback."""
    gc.disable()  # while everything is imported, none of which is ever garbage; see `runtime/apps.py`
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "harness_site.settings")
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import DatabaseError

    from harness_site import data, databases, ready
    from harness_site.notices import say

    try:
        execute_from_command_line(arguments)
    except ImproperlyConfigured as error:
        say(str(error), "ERROR")
        sys.exit(1)
    except DatabaseError as error:
        said = databases.sentence(error)
        if not said:
            raise  # a mistake of ours
        say(said, "ERROR")
        sys.exit(ready.DATABASE_AWAY if databases.is_away(error) else 1)
    except OSError as error:
        said = data.sentence(error, settings.DATA_DIR)
        if not said:
            raise
        say(said, "ERROR")
        sys.exit(1)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)  # Ctrl-C, said without a traceback

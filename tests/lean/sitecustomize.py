"""Makes the tests' environment look like a fresh installation's to the processes that tests start: without
packages that only the tests bring along, which some of the product's own packages load when they find them.

Python itself loads this module at its start, when this folder is on `PYTHONPATH`. It spares each of the many
processes a part of its start.
"""

from __future__ import annotations

import os
import sys

#: Package → the variable for which the product installs it; none for what it never installs.
EXTRAS = {"psycopg": "DATABASE_URL", "redis": "REDIS_URL", "rich": ""}

for package, variable in EXTRAS.items():
    if not os.environ.get(variable):
        sys.modules[package] = None  # type: ignore[assignment]  # so that an import says: there is none

"""The site around the product: settings, addresses, the ASGI application, bootstrap and supervisor.

Importing this package puts `pysqlite3` in the place of `sqlite3`, before Django or huey can import it: the
SQLite of many systems (Debian 12: 3.40.1) can corrupt a WAL database with several writing connections.
The bootstrap runs on a bare Python without it, so its absence is not an error here; a system check refuses a
SQLite that has the defect (`runtime/checks.py`).
"""

from __future__ import annotations

import contextlib

with contextlib.suppress(ImportError):
    from harness_site.sqlite import stand_in

    stand_in()

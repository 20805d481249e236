"""Connections to the records' PostgreSQL beside Django's own: to listen, and for huey's store."""

from __future__ import annotations

from typing import Any

import psycopg
from django.db import connection

_OF_DJANGO = {"pool", "isolation_level", "server_side_binding", "assume_role"}
_NAMES = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}


def address(*session: str) -> dict[str, Any]:
    """What psycopg needs to reach it; `session`: settings for this connection alone, as `name=value`."""
    found = connection.settings_dict
    options = {name: value for name, value in found["OPTIONS"].items() if name not in _OF_DJANGO}
    options["options"] = " ".join([options.get("options", ""), *(f"-c {each}" for each in session)]).strip()
    given = {name: str(found[field]) for name, field in _NAMES.items() if found[field]}
    return {**options, **given, "autocommit": True, "prepare_threshold": None}


def connect(*session: str) -> psycopg.Connection[Any]:
    """A connection of one's own, each statement its own transaction."""
    return psycopg.connect(**address(*session))

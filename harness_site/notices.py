"""What is said on stderr before Django is there, or without it: as text, or as JSON of the log's shape
(`runtime/log.py`). Standard library only.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime


def in_json() -> bool:
    """Whether HARNESS_LOG_JSON is on; what it may not be, the settings refuse."""
    return os.environ.get("HARNESS_LOG_JSON", "").strip().lower() in {"1", "true", "yes", "on"}


def line(text: str, level: str = "INFO") -> str:
    """The text as one line for the stream, its end included."""
    if not in_json():
        return f"{text}\n"
    found = {
        "at": datetime.now().astimezone().isoformat(timespec="milliseconds"),
        "level": level,
        "logger": "manage",
        "process": os.getpid(),
        "message": text,
    }
    return f"{json.dumps(found)}\n"


def say(text: str, level: str = "INFO") -> None:
    """One line to stderr."""
    sys.stderr.write(line(text, level))
    sys.stderr.flush()

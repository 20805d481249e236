"""How a line of the log is written: on one line, with nothing in it that opens a door."""

from __future__ import annotations

import copy
import logging
import re

#: Of a one-time link or an API token, only that there was one.
SECRETS = re.compile(r"(/sign-in/link/|hrn_)[A-Za-z0-9_-]{8,}")
#: Control characters (a terminal would obey them), the line end and the tab apart.
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Formatter(logging.Formatter):
    """What others sent may stand in a message: it begins no line of its own and drives no terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as text, secrets left out."""
        if record.name.startswith("django.security"):
            record = copy.copy(record)  # a refused request is news of one line, not a fault of ours
            record.exc_info = record.exc_text = None
        text = SECRETS.sub(r"\1…", super().format(record))
        return CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name of logging
        """The first line; a message's further lines are set in."""
        return super().formatMessage(record).replace("\n", "\n    ")

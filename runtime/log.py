"""How a line of the log is written: on one line, with the run it is about, with nothing that opens a door.

with log.about(run=run_id): …        every line within names the run
log.keep_out(redactor)               from now on no line shows what the redactor knows
"""

from __future__ import annotations

import json
import logging
import re
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from types import MappingProxyType
from typing import Any

from runtime.redaction import Redactor

#: Of a one-time link or an API token, only that there was one.
SECRETS = re.compile(r"(/sign-in/link/|hrn_)[A-Za-z0-9_-]{8,}")
#: Control characters (a terminal would obey them), the line end and the tab apart.
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
#: Django's own name of a setting at the end of its hint: here it is another.
UNKNOWN_SETTING = re.compile(r"to ALLOWED_HOSTS\.\Z")
KEPT = 4  #: redactors: a key that was replaced a moment ago may still be under way

_about: ContextVar[Mapping[str, str]] = ContextVar("about", default=MappingProxyType({}))
_redactors: deque[Redactor] = deque([Redactor(())], maxlen=KEPT)


@contextmanager
def about(**names: str) -> Iterator[None]:
    """Lines of the block carry these names (`run`, `thread`), beside those of blocks around it."""
    token = _about.set({**_about.get(), **names})
    try:
        yield
    finally:
        _about.reset(token)


def keep_out(redactor: Redactor) -> None:
    """Lets no line show what this redactor knows."""
    _redactors.appendleft(redactor)


def clean(text: str) -> str:
    """The text without secrets: the configured ones, and what looks like one."""
    text = SECRETS.sub(r"\1…", text)
    for redactor in tuple(_redactors):
        text = redactor.text(text, patterns=True)
    return text


def first_line(error: Exception) -> str:
    """What an error says, without the hints that follow and without a full stop."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".:")


class Formatter(logging.Formatter):
    """What others sent may stand in a message: it begins no line of its own and drives no terminal.

    `%(about)s` in the format is what the line is about, such as ` run=…`.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The record as text, its traceback included, secrets left out."""
        text = clean(super().format(_own(record)))
        return CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name of logging
        """The first line; a message's further lines are set in."""
        record.about = "".join(f" {name}={value}" for name, value in _about.get().items())
        return super().formatMessage(record).replace("\n", "\n    ")


class JsonFormatter(logging.Formatter):
    """One JSON object a line: `at`, `level`, `logger`, `process`, `message`, and, where there is one, `run`,
    `thread`, `traceback`. What is said without Django has the same shape (`harness_site/notices.py`)."""

    def format(self, record: logging.LogRecord) -> str:
        """The record, secrets left out."""
        own = _own(record)
        found: dict[str, Any] = {
            "at": datetime.fromtimestamp(own.created).astimezone().isoformat(timespec="milliseconds"),
            "level": own.levelname,
            "logger": own.name,
            "process": own.process,
            "message": clean(own.getMessage()),
            **_about.get(),
        }
        if own.exc_info:
            found["traceback"] = clean(self.formatException(own.exc_info))
        return json.dumps(found)


class NoProbes(logging.Filter):
    """Keeps out that a probe was answered 503: it asks every few seconds, and the change was said."""

    def filter(self, record: logging.LogRecord) -> bool:
        """False for such a line."""
        request = getattr(record, "request", None)
        return not (getattr(record, "status_code", 0) == 503 and getattr(request, "path", "") == "/readyz")


def _own(record: logging.LogRecord) -> logging.LogRecord:
    """A copy that other handlers do not see. A refused request is news of one line, not a fault of ours."""
    own = logging.makeLogRecord(record.__dict__)
    if own.name.startswith("django.security"):
        own.exc_info = own.exc_text = None
        own.msg = UNKNOWN_SETTING.sub("to HARNESS_ALLOWED_HOSTS.", str(own.msg))
    return own

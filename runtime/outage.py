"""What to answer when the records cannot be used: a status, a sentence, and when to try again."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from django.conf import settings
from django.db import InterfaceError, OperationalError

from runtime import reserve

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outage:
    """One that is expected to pass."""

    status: int
    sentence: str
    retry_seconds: int


AWAY = Outage(503, "The records cannot be used at the moment; nothing was changed. Try again.", 1)
FULL = Outage(507, "The disk is full; nothing was changed. Make room, or ask an administrator to.", 30)


def of(error: BaseException | None) -> Outage | None:
    """The outage behind an error; None when it is none. A full disk's reserve is given up here and now."""
    if error is None:
        return None
    full = reserve.says_full(error)
    if not full and not isinstance(error, OperationalError | InterfaceError):
        return None
    logger.error("The records could not be used: %s", error)
    if full:
        reserve.give_up(settings.DATA_DIR)
    else:  # SQLite names a full disk in several ways
        reserve.keep(settings.DATA_DIR)
    return FULL if full or reserve.is_spent(settings.DATA_DIR) else AWAY

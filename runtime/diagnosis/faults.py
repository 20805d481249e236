"""What a provider did, in words: by the fault of the last try of a model call."""

from __future__ import annotations

from collections.abc import Mapping

from runtime.diagnosis.facts import Act, Cause

#: Fault → what the provider did, before "once" or "five times".
DID: Mapping[str, str] = {
    "rate_limited": "The provider answered 429",
    "server_trouble": "The provider had trouble",
    "unreachable": "The provider could not be reached",
    "dropped": "The provider closed the connection",
    "cut_short": "The provider's reply ended before it was complete,",
    "no_first_byte": "The provider did not begin to answer in time",
}
OTHERWISE = "The provider gave no reply"

#: Fault → cause and act of a run that failed by it.
ENDS: Mapping[str, tuple[Cause, Act]] = {
    "misconfigured": (Cause.MISCONFIGURED, Act.CHECK_WORKSPACE),
    "unreachable": (Cause.UNREACHABLE, Act.RETRY),
    "dropped": (Cause.BROKE_OFF, Act.RETRY),
    "cut_short": (Cause.BROKE_OFF, Act.RETRY),
    "too_slow": (Cause.TOO_SLOW, Act.RETRY),
    "no_first_byte": (Cause.TOO_SLOW, Act.RETRY),
    "status_error": (Cause.FAILED, Act.CHECK_WORKSPACE),
    "key_refused": (Cause.KEY_REFUSED, Act.CHECK_WORKSPACE),
    "not_there": (Cause.NOT_THERE, Act.CHECK_WORKSPACE),
    "context_overflow": (Cause.CONTEXT_OVERFLOW, Act.NEW_THREAD),
    "rate_limited": (Cause.RATE_LIMITED, Act.RETRY),
    "server_trouble": (Cause.PROVIDER_TROUBLE, Act.RETRY),
    "bad_answer": (Cause.BAD_ANSWER, Act.CHECK_WORKSPACE),
    "answer_too_large": (Cause.LIMIT, Act.CHECK_WORKSPACE),
}

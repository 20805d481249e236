"""Lines of the log."""

from __future__ import annotations

import logging
import logging.config

from django.conf import settings
from django.core.exceptions import DisallowedHost

from harness_site.log import Formatter


def written(message: str, *arguments: object, name: str = "runtime", exc_info: object = None) -> str:
    record = logging.makeLogRecord({"msg": message, "args": arguments, "name": name, "exc_info": exc_info})
    return Formatter("%(name)s: %(message)s").format(record)


def test_it_writes_no_link_and_no_token_down() -> None:
    link, token = "Ab3-_" * 8 + "xyz", "hrn_" + "Ab3-_" * 8 + "xyz"
    line = written("Forbidden: %s with %s", f"/sign-in/link/{link}/", token)
    assert line == "runtime: Forbidden: /sign-in/link/…/ with hrn_…"


def test_it_lets_nothing_pass_for_a_line_of_its_own_or_drive_a_terminal() -> None:
    line = written("the model says %s", "a\n2026-01-01 ERROR root: b\r\x1b[31mc\x9bd\te")
    assert line == "runtime: the model says a\n    2026-01-01 ERROR root: b\\x0d\\x1b[31mc\\x9bd\te"


def test_it_gives_a_refused_request_one_line_and_a_fault_its_traceback() -> None:
    error = DisallowedHost("Invalid HTTP_HOST header: 'evil.example'.")
    fault = (type(error), error, None)
    line = written("%s", error, name="django.security.DisallowedHost", exc_info=fault)
    assert line == f"django.security.DisallowedHost: {error}"
    assert f"DisallowedHost: {error}" in written("It broke.", exc_info=fault)


def test_it_is_the_formatter_of_the_settings() -> None:
    assert settings.LOGGING["formatters"]["plain"]["()"] == "harness_site.log.Formatter"
    logging.config.DictConfigurator(settings.LOGGING).configure_formatter(
        dict(settings.LOGGING["formatters"]["plain"])
    )

"""Lines of the log."""

from __future__ import annotations

import json
import logging
import logging.config
import os
import re
import threading

import pytest
from django.conf import settings
from django.core.exceptions import DisallowedHost

from runtime import catalogue, log
from runtime.log import Formatter, JsonFormatter
from runtime.redaction import Redactor


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


def test_it_names_the_setting_that_there_is() -> None:
    hint = "Invalid HTTP_HOST header: '10.0.0.7'. You may need to add '10.0.0.7' to ALLOWED_HOSTS."
    line = written(hint, name="django.security.DisallowedHost")
    assert line.endswith("You may need to add '10.0.0.7' to HARNESS_ALLOWED_HOSTS.")


def test_what_an_error_says_ends_without_a_full_stop() -> None:
    error = OSError("Error 111 connecting to 127.0.0.1:6379. Connection refused.")
    assert log.first_line(error) == "Error 111 connecting to 127.0.0.1:6379. Connection refused"


def test_it_gives_a_refused_request_one_line_and_a_fault_its_traceback() -> None:
    error = DisallowedHost("Invalid HTTP_HOST header: 'evil.example'.")
    fault = (type(error), error, None)
    line = written("%s", error, name="django.security.DisallowedHost", exc_info=fault)
    assert line == f"django.security.DisallowedHost: {error}"
    assert f"DisallowedHost: {error}" in written("It broke.", exc_info=fault)


def test_it_is_the_formatter_of_the_settings() -> None:
    assert settings.LOGGING["formatters"]["plain"]["()"] == "runtime.log.Formatter"
    logging.config.DictConfigurator(settings.LOGGING).configure_formatter(
        dict(settings.LOGGING["formatters"]["plain"])
    )


SECRET = "correct-horse-battery-staple"


def raised(message: str) -> object:
    """What `exc_info` is of an error with this message, and with a cause that has it, too."""
    try:
        try:
            raise KeyError(message)
        except KeyError as cause:
            raise ValueError(f"It broke: {message}") from cause
    except ValueError as error:
        return (type(error), error, error.__traceback__)


@pytest.mark.parametrize("formatter", [Formatter(), JsonFormatter()])
def test_no_line_and_no_traceback_shows_a_configured_secret(formatter: logging.Formatter) -> None:
    log.keep_out(Redactor([SECRET]))
    record = logging.makeLogRecord(
        {"msg": "key %s", "name": "x", "args": (SECRET,), "exc_info": raised(SECRET)}
    )
    text = formatter.format(record)
    assert SECRET not in text
    assert "Traceback" in text
    assert text.count("[redacted]") == 3


def test_it_knows_what_looks_like_a_secret() -> None:
    text = written("It broke.", exc_info=raised("postgresql://me:hunter2@db/x with sk-" + "a1" * 20))
    assert "hunter2" not in text
    assert "a1a1" not in text


def test_a_replaced_secret_is_still_kept_out() -> None:
    log.keep_out(Redactor([SECRET]))
    log.keep_out(Redactor(["another-secret-of-today"]))
    assert SECRET not in written(SECRET)


def test_a_loaded_workspace_keeps_its_keys_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_MODEL_API_KEY", "key-of-this-very-model")
    catalogue.forget()
    catalogue.current()
    assert written("key-of-this-very-model") == "runtime: [redacted]"
    catalogue.forget()


def test_a_line_names_the_run_and_thread_it_is_about() -> None:
    formatter = Formatter("%(name)s%(about)s: %(message)s")
    record = logging.makeLogRecord({"msg": "Hello.", "name": "runtime"})
    with log.about(run="r1"):
        with log.about(thread="t1"):
            assert formatter.format(record) == "runtime run=r1 thread=t1: Hello."
        assert formatter.format(record) == "runtime run=r1: Hello."
        other: list[str] = []
        thread = threading.Thread(target=lambda: other.append(formatter.format(record)))
        thread.start()
        thread.join()
    assert other == ["runtime: Hello."]


def test_it_writes_json_on_one_line() -> None:
    record = logging.makeLogRecord(
        {"msg": "a\n%s", "args": ("b",), "name": "runtime", "levelname": "ERROR", "exc_info": raised("x")}
    )
    with log.about(run="r1", thread="t1"):
        line = JsonFormatter().format(record)
    assert "\n" not in line
    found = json.loads(line)
    assert found.keys() == {"at", "level", "logger", "process", "message", "run", "thread", "traceback"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d", found["at"])
    assert found["process"] == os.getpid()
    assert (found["message"], found["run"], found["level"]) == ("a\nb", "r1", "ERROR")
    assert found["traceback"].startswith("Traceback")

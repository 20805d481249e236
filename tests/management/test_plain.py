"""A person's mistake at the terminal: one sentence, whichever command it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.management.test_access_commands import in_a_process


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["up", "--port", "abc"], "Argument --port: invalid int value: 'abc'; see manage.py up --help."),
        (["token"], "The following arguments are required: name; see manage.py token --help."),
        (["verify", "--bogus"], "Unrecognized arguments: --bogus; see manage.py verify --help."),
        (
            ["benchmark", "runs", "--rounds", "x"],
            "Argument --rounds: 'x' is no whole number from 1; see manage.py benchmark runs --help.",
        ),
        (
            ["benchmark", "runs", "--rounds", "0"],
            "Argument --rounds: '0' is no whole number from 1; see manage.py benchmark runs --help.",
        ),
        (
            ["benchmark", "live", "--many=-4"],
            "Argument --many: '-4' is no whole number from 0; see manage.py benchmark live --help.",
        ),
    ],
)
def test_it_says_what_is_wrong_with_the_arguments(
    tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    answer = in_a_process(tmp_path, *arguments)
    assert (answer.returncode, answer.stdout, answer.stderr) == (2, "", f"{sentence}\n")


@pytest.mark.parametrize("command", ["up", "serve", "run_huey", "verify", "sweep"])
def test_it_says_what_the_checks_refuse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("HARNESS_WORKSPACE", str(tmp_path / "none"))
    answer = in_a_process(tmp_path / "data", command)
    expected = (
        f"The workspace is broken: {tmp_path}/none: is not a folder. "
        "Correct it in the folder that HARNESS_WORKSPACE names.\n"
    )
    assert (answer.returncode, answer.stderr) == (1, expected)


def test_it_says_which_variable_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_MODEL_BASE_URL", "localhost")
    answer = in_a_process(tmp_path, "run_huey")
    assert answer.returncode == 1
    assert answer.stderr == (
        "The workspace is broken: environment: HARNESS_MODEL_BASE_URL: must be an address like "
        "http://localhost:8080/v1. Correct the variable.\n"
    )


def test_it_says_that_nothing_was_set_up_yet(tmp_path: Path) -> None:
    answer = in_a_process(tmp_path, "health")
    assert answer.returncode == 2
    assert answer.stderr == (
        "The database in HARNESS_DATA_DIR cannot be used: no such table: runtime_metadata. "
        "`manage.py up` or `manage.py migrate` makes it.\n"
    )


def test_another_part_of_the_program_gets_an_error(db: None) -> None:
    with pytest.raises(CommandError, match="unrecognized arguments"):
        call_command("verify", "--bogus")

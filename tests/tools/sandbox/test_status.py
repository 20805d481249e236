"""What is known about the sandbox, who finds it out, and what people are told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.tools import KNOWN, builtin, missing, sandbox
from runtime.tools.sandbox import host, selftest, status
from tests.tools.sandbox.conftest import Weaker


@pytest.fixture
def anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in a process that has found out nothing yet."""
    monkeypatch.setattr(status, "_known", status._Knowledge())
    look = host.look
    look.cache_clear()
    yield
    look.cache_clear()


@pytest.fixture
def bare(anew: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without any of the programs."""
    monkeypatch.setattr(host, "SEARCHED", str(tmp_path))


def test_it_knows_of_a_working_sandbox(shell: None, anew: None) -> None:
    assert sandbox.state() == sandbox.Working(tested=False)
    assert sandbox.prove() == sandbox.Working(tested=True)
    assert sandbox.state() == sandbox.Working(tested=True)
    assert missing() == {}
    assert tuple(builtin()) == KNOWN


def test_it_is_off_without_its_programs_and_says_which(bare: None) -> None:
    off = sandbox.state()
    assert isinstance(off, sandbox.Off)
    assert off.reason == (
        "The program bwrap is missing; install the package bubblewrap "
        "(for example: apt-get install bubblewrap) and start the worker again."
    )
    assert sandbox.prove() == off
    assert missing() == {"execute": off.reason}
    assert "execute" not in builtin()
    assert len(builtin()) == len(KNOWN) - 1


def test_it_is_off_where_no_sandbox_comes_up(
    anew: None, weaker: Weaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = weaker.bwrap((r"--proc\0/proc", "--nonsense"))
    monkeypatch.setattr(host, "look", lambda: broken)
    off = sandbox.state()
    assert isinstance(off, sandbox.Off)
    assert off.reason.startswith("No sandbox can be started on this machine; ")
    assert "nonsense" in off.reason


def test_it_is_off_where_an_attack_gets_through(
    anew: None, weaker: Weaker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    open_machine = weaker.bwrap((r"--clearenv\0", "--clearenv\0--setenv\0API_KEY\0x\0"))
    monkeypatch.setattr(host, "look", lambda: open_machine)
    sandbox.keep_in(tmp_path / "sandbox.json")
    assert sandbox.state() == sandbox.Working(tested=False)
    off = sandbox.prove()
    assert isinstance(off, sandbox.Off)
    assert "environment: see API_KEY of process 1" in off.reason
    assert sandbox.state() == off


def test_it_tells_other_processes_by_a_file(
    shell: None, anew: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kept = tmp_path / "sandbox.json"
    sandbox.keep_in(kept)
    assert sandbox.prove() == sandbox.Working(tested=True)
    assert json.loads(kept.read_bytes()) == {"identity": selftest.identity(host.look()), "reason": ""}
    assert kept.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [kept]

    monkeypatch.setattr(status, "_known", status._Knowledge())
    sandbox.keep_in(kept)
    assert sandbox.state() == sandbox.Working(tested=True)
    kept.write_text(json.dumps({"identity": selftest.identity(host.look()), "reason": "It leaks."}))
    assert sandbox.state() == sandbox.Off("It leaks.")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"identity": 3}', '{"identity": "other", "reason": ""}'])
def test_it_believes_no_file_that_is_not_about_this_machine(
    shell: None, anew: None, tmp_path: Path, text: str
) -> None:
    kept = tmp_path / "sandbox.json"
    kept.write_text(text)
    sandbox.keep_in(kept)
    assert sandbox.state() == sandbox.Working(tested=False)


def test_it_tests_again_after_a_failure_that_a_file_tells(shell: None, anew: None, tmp_path: Path) -> None:
    kept = tmp_path / "sandbox.json"
    kept.write_text(json.dumps({"identity": selftest.identity(host.look()), "reason": "Too busy."}))
    sandbox.keep_in(kept)
    assert sandbox.state() == sandbox.Off("Too busy.")
    assert sandbox.prove() == sandbox.Working(tested=True)


def test_it_covers_places_of_the_product_below_usr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/usr/local")
    monkeypatch.setenv("HARNESS_DATA_DIR", "/nowhere")
    monkeypatch.setenv("HARNESS_WORKSPACE", "/usr/share/doc")
    assert host.private_places() == ("/usr/local", "/usr/share/doc")
    monkeypatch.setenv("HOME", "/usr")
    monkeypatch.setenv("HARNESS_WORKSPACE", "relative")
    assert host.private_places() == ()

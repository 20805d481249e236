"""Commands in another terminal go by the running product's workspace and model."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from runtime.management import served
from runtime.models import RunRequest
from tests import openai_server
from tests.openai_server import Answer
from tests.product import MANAGE, environment, running

KEY = "sk-only-the-product-knows-this"


@pytest.fixture
def product(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data directory that a product with a real model serves; this terminal sets nothing."""
    settings.DATA_DIR = tmp_path
    for name in (served.ADDRESS, served.MODEL, served.WORKSPACE):
        monkeypatch.setenv(name, "")  # so that it is taken back whatever the test does
    monkeypatch.setenv("HARNESS_MODEL_API_KEY", KEY)
    monkeypatch.setenv(served.ADDRESS, "http://127.0.0.1:9/v1")
    monkeypatch.setenv(served.MODEL, "big")
    assert served.remember()
    os.environ[served.ADDRESS] = os.environ[served.MODEL] = ""
    yield tmp_path / served.FILE
    assert served._held is not None
    os.close(served._held)


def start() -> tuple[dict[str, Any], str]:
    """What `start_run` resolves the model to, and what it says beside."""
    err = StringIO()
    call_command("start_run", "list files", stdout=StringIO(), stderr=err)
    return RunRequest.objects.get().resolved_json["model"], err.getvalue()


def test_it_notes_no_key(product: Path) -> None:
    assert KEY not in product.read_text()
    assert stat.S_IMODE(product.stat().st_mode) == 0o600


def test_a_second_server_does_not_take_the_place_of_one_that_lives(
    product: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = served._held
    assert first is not None
    monkeypatch.setenv(served.ADDRESS, "http://127.0.0.1:10/v1")
    assert not served.remember()
    assert "127.0.0.1:9/v1" in product.read_text()
    os.close(first)  # as its end does
    assert served.remember()
    assert "127.0.0.1:10/v1" in product.read_text()


def test_it_goes_by_the_running_product(db: None, product: Path) -> None:
    model, said = start()
    assert (model["base_url"], model["model"]) == ("http://127.0.0.1:9/v1", "big")
    assert "not what the product" not in said


def test_it_says_when_the_terminal_sets_another_model(
    db: None, product: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(served.ADDRESS, "http://127.0.0.1:10/v1")
    model, said = start()
    assert (model["base_url"], model["model"]) == ("http://127.0.0.1:10/v1", "default")
    assert "HARNESS_MODEL_BASE_URL is not what the product was started with" in said


@pytest.mark.parametrize("broken", ["", "[1]", "{", '{"HARNESS_MODEL_BASE_URL": null}'])
def test_it_stands_a_broken_note(db: None, product: Path, broken: str) -> None:
    product.write_text(broken)
    assert start()[0]["provider"] == "scripted"


def test_it_lets_the_products_model_answer(tmp_path: Path) -> None:
    with openai_server.running() as model:
        model.answer(Answer(text="From the real one."))
        key = {"HARNESS_MODEL_API_KEY": KEY}
        with running(tmp_path, HARNESS_MODEL_BASE_URL=model.base_url, HARNESS_MODEL="big", **key) as product:
            done = subprocess.run(
                [sys.executable, MANAGE, "start_run", "hello", "--agent", "direct", "--follow"],
                env=environment(tmp_path),
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert "From the real one." in done.stdout, done.stderr
            assert product.url
        [request] = model.requests
        assert request.body["model"] == "big"
        assert request.headers["authorization"] == f"Bearer {KEY}"

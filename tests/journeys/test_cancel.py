"""An acknowledged cancel: no new tool starts, what runs is dead soon, and its worker is as before."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psutil
import pytest

from tests.product import Product, alive, call, running, script, wait_for

SECONDS = 5.0  #: promised
MARK = str(random.randint(1_000_000, 9_999_999))  # in the words of every process of the command
STUBBORN = f"""
trap '' TERM INT HUP QUIT
sleep {MARK}1 & (trap '' TERM; setsid sleep {MARK}2 & sleep {MARK}3) &
python3 -c 'import signal, time; signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65)); time.sleep({MARK}4)'
sleep {MARK}5
"""

WORKSPACE = """
apiVersion: agent-harness/v1alpha1
kind: Workspace
metadata: {name: one-at-a-time}
spec:
  concurrency: {runs_per_worker: 1}
  approvals: {rules: [{name: all, action: allow}]}
"""


@pytest.fixture(scope="module")
def product(shell: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """One worker with one slot, and nobody has to be asked."""
    folder = tmp_path_factory.mktemp("one")
    (folder / "workspace").mkdir()
    (folder / "workspace" / "ours.yaml").write_text(WORKSPACE)
    with running(folder, HARNESS_WORKSPACE=str(folder / "workspace")) as started:
        yield started


@pytest.fixture(scope="module")
def api(product: Product) -> Iterator[httpx.Client]:
    with product.client("operator") as client:
        yield client


def worker(product: Product) -> psutil.Process:
    children = psutil.Process(product.process.pid).children(recursive=True)
    return next(child for child in children if "run_huey" in child.cmdline())


def there() -> list[list[str]]:
    """The words of every process of the command, wherever it hangs in the tree."""
    found = [p.info["cmdline"] or [] for p in psutil.process_iter(["cmdline", "pid"]) if alive(p.info["pid"])]
    return [words for words in found if MARK in " ".join(words)]


def at_work() -> bool:
    words = there()
    return all(["sleep", f"{MARK}{n}"] in words for n in (1, 2, 3)) and any("python3" in w[0] for w in words)


def within(seconds: float, what: Callable[[], Any]) -> bool:
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def start(api: httpx.Client, *turns: dict[str, Any]) -> str:
    return str(api.post("runs", json={"input": script(*turns)}).raise_for_status().json()["run_id"])


def types(api: httpx.Client, run_id: str) -> list[str]:
    return [event["type"] for event in api.get(f"runs/{run_id}/events").json()["items"]]


def test_a_command_that_ignores_signals_is_dead_with_all_its_children(
    product: Product, api: httpx.Client
) -> None:
    wait_for(
        api, start(api, {"tool_calls": [call("execute", command="true")]}, {"text": "warm"}), "completed"
    )
    threads = worker(product).num_threads()
    for _ in range(2):
        later = call("write_file", path="later.txt", content="x")
        run_id = start(api, {"tool_calls": [call("execute", command=STUBBORN), later]}, {"text": "done"})
        assert within(60, at_work), there()
        run = api.post(f"runs/{run_id}/cancel").raise_for_status().json()
        assert within(SECONDS, lambda: not there()), there()
        assert run["state"] == "cancelled"
        # The only slot is free again: nothing of the old call holds it.
        wait_for(api, start(api, {"text": "next"}), "completed")
        told = types(api, run_id)
        assert told.count("tool.started") == 1
        assert told[-2:] == ["run.cancel.requested", "run.state.changed"]
        assert not (product.data_dir / "threads" / run["thread_id"] / "files" / "later.txt").exists()
    assert within(SECONDS, lambda: worker(product).num_threads() <= threads)


def test_a_command_ends_with_its_worker(product: Product, api: httpx.Client) -> None:
    run_id = start(api, {"tool_calls": [call("execute", command=STUBBORN)]}, {"text": "done"})
    assert within(60, at_work), there()
    worker(product).kill()
    assert within(SECONDS, lambda: not there()), there()
    wait_for(api, run_id, "in_doubt")

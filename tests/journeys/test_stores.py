"""Several workers on each store of the queue: started runs are done, killed workers are replaced, and neither
the store nor the database may vanish with somebody's work."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests import stores
from tests.product import Product, call, running, script, wait_for

STORES = [
    pytest.param("file"),
    pytest.param("postgresql", marks=pytest.mark.postgresql),
    pytest.param("redis", marks=pytest.mark.redis),
]
IMPATIENT = {"HARNESS_LEASE_SECONDS": "1", "HARNESS_SWEEP_SECONDS": "0.5"}
WRITE = script({"tool_calls": [call("write_file", path="a.txt", content="x")]}, {"text": "written"})
LONG = script({"text": "word " * 120})


@pytest.fixture(scope="module", params=STORES)
def product(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Two workers, the queue in this store."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "redis":
        with (
            stores.own_redis() as redis,
            running(folder, "--workers", "2", REDIS_URL=redis.url, **IMPATIENT) as up,
        ):
            yield up
    else:
        url = stores.database_for(folder) if request.param == "postgresql" else ""
        with running(folder, "--workers", "2", DATABASE_URL=url, REDIS_URL="", **IMPATIENT) as up:
            yield up


@pytest.fixture(scope="module")
def api(product: Product) -> Iterator[httpx.Client]:
    """Starts and decides."""
    with product.client("operator", "reviewer") as client:
        yield client


def start(api: httpx.Client, text: str) -> str:
    return str(api.post("runs", json={"input": text}).raise_for_status().json()["run_id"])


def approve(api: httpx.Client, run_id: str) -> None:
    wait_for(api, run_id, "waiting_for_approval")
    [approval] = api.get("approvals", params={"run": run_id, "status": "pending"}).json()["items"]
    body = {"decision": "approve", "digest": approval["digest"]}
    api.post(f"approvals/{approval['approval_id']}/decision", json=body).raise_for_status()


def workers(product: Product) -> list[psutil.Process]:
    children = psutil.Process(product.process.pid).children(recursive=True)
    return [child for child in children if "run_huey" in child.cmdline()]


def events(api: httpx.Client, run_id: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = api.get(f"runs/{run_id}/events", params={"limit": 200}).json()["items"]
    return found


def follow(api: httpx.Client, run_id: str) -> list[int]:
    """The sequences that the stream gives until the run is over."""
    with api.stream("GET", f"runs/{run_id}/stream") as stream:
        return [int(line[4:]) for line in stream.iter_lines() if line.startswith("id: ")]


def test_it_does_many_runs_with_several_workers(product: Product, api: httpx.Client) -> None:
    started = [start(api, WRITE) for _ in range(6)]
    for run_id in started:
        approve(api, run_id)
    claimers = set()
    for run_id in started:
        assert wait_for(api, run_id, "completed")["output"] == "written"
        claimers |= {event["worker"] for event in events(api, run_id) if event["type"] == "run.dequeued"}
    assert 1 <= len(claimers) <= 2
    assert product.command("verify")


def test_it_streams_each_event_once(api: httpx.Client) -> None:
    sequences = follow(api, start(api, LONG))
    assert sequences == list(range(1, len(sequences) + 1))


def test_it_goes_on_when_workers_are_killed(product: Product, api: httpx.Client) -> None:
    started = [start(api, LONG) for _ in range(3)]
    for run_id in started:
        wait_for(api, run_id, "running")
    for worker in workers(product):
        worker.kill()
    for run_id in started:
        assert wait_for(api, run_id, "completed", seconds=60)["output"] == "word " * 120
    assert len(workers(product)) == 2
    product.command("verify")


def test_it_stops_in_time_and_says_no_more_than_it_must(product: Product) -> None:
    assert product.stop() < 10
    said = (product.data_dir / "errors.log").read_text()
    assert "Traceback" not in said


@pytest.mark.redis
def test_it_works_without_its_redis_and_finds_it_again(tmp_path: Path) -> None:
    with (
        stores.own_redis() as redis,
        running(tmp_path, REDIS_URL=redis.url, **IMPATIENT) as product,
        product.client("operator") as api,
    ):
        redis.stop()
        assert wait_for(api, start(api, script({"text": "without"})), "completed")["output"] == "without"
        redis.start()
        wait_for(api, start(api, script({"text": "with"})), "completed")
        end = time.monotonic() + 20
        while "The queue can be reached again." not in (said := (tmp_path / "errors.log").read_text()):
            assert time.monotonic() < end, said
            time.sleep(0.1)
        assert "Traceback" not in said


@pytest.mark.postgresql
def test_it_survives_a_restart_of_its_database(tmp_path: Path) -> None:
    url = stores.database_for(tmp_path)
    with running(tmp_path, DATABASE_URL=url, **IMPATIENT) as product, product.client("operator") as api:
        run_id = start(api, LONG)
        wait_for(api, run_id, "running")
        stores.ask(url, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {stores.OTHERS}")
        assert wait_for(api, run_id, "completed", seconds=60)["output"] == "word " * 120
        sequences = follow(api, start(api, LONG))
        assert sequences == list(range(1, len(sequences) + 1))
        product.command("verify")

"""Somebody else holds the database's lock for longer than anyone waits: requests are answered, with a
sentence; the state has a name; afterwards everything goes on, and nothing acknowledged is missing."""

from __future__ import annotations

import http.client
import json
import select
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from runtime.benchmarks.torture.api import TIMEOUT
from runtime.benchmarks.torture.stories import append, script
from tests.crash.outside import browser, foreign_writer, token
from tests.crash.place import WEB, WORKER, Place, installed

pytestmark = pytest.mark.usefixtures("shell")
LONG = {"text": "word " * 200}


def asked(place: Place, method: str, path: str, **body: Any) -> httpx.Response:
    """The bare answer of the API."""
    url = f"http://127.0.0.1:{place.fleet.port}/api/v1/{path}"
    headers = {"Authorization": f"Bearer {place.token}"}
    return httpx.request(method, url, json=body, headers=headers, timeout=TIMEOUT)


def posted(place: Place) -> http.client.HTTPConnection:
    """A run is asked for; the answer is still to come."""
    connection = http.client.HTTPConnection("127.0.0.1", place.fleet.port, timeout=TIMEOUT)
    headers = {"Authorization": f"Bearer {place.token}", "Content-Type": "application/json"}
    connection.request("POST", "/api/v1/runs", json.dumps({"input": "hello"}), headers)
    return connection


def database(place: Place) -> str:
    """What the health report says of it."""
    found = asked(place, "GET", "health").json()["checks"]
    return str(next(check["status"] for check in found if check["name"] == "database"))


def test_it_answers_names_the_state_and_goes_on(tmp_path: Path) -> None:
    with installed(tmp_path) as place:
        place.fleet.start_all()
        waiting = place.start(script({"tool_calls": [append("once")]}, {"text": "done"}))
        place.wait(waiting, "waiting_for_approval")
        other = place.start(script({"tool_calls": [append("never")]}, {"text": "done"}))
        place.wait(other, "waiting_for_approval")
        [approval] = place.pending(waiting)
        decision = f"approvals/{approval['approval_id']}/decision"
        with browser(place) as anna, ThreadPoolExecutor() as people:
            form = {"csrfmiddlewaretoken": token(anna, "/"), "input": "hello"}
            under_way = place.start(script(LONG))
            place.wait(under_way, "running")
            with foreign_writer(place):
                answers = [
                    people.submit(asked, place, "POST", "runs", input="hello"),
                    people.submit(asked, place, "POST", f"runs/{other}/cancel"),
                    people.submit(
                        asked, place, "POST", decision, decision="approve", digest=approval["digest"]
                    ),
                ]
                page = people.submit(anna.post, "/start/", data=form)
                assert asked(place, "GET", f"runs/{waiting}").status_code == 200, "reading goes on"
                for answer in answers:
                    found = answer.result()
                    assert (found.status_code, found.headers["Content-Type"]) == (
                        503,
                        "application/problem+json",
                    )
                    assert "nothing was changed" in found.json()["detail"]
                assert page.result().status_code == 503
                assert "nothing was changed" in page.result().text
                ready = httpx.get(f"http://127.0.0.1:{place.fleet.port}/readyz", timeout=TIMEOUT)
                assert ready.status_code == 503
                place.until(lambda: database(place) == "unhealthy")
        assert place.run(waiting)["state"] == place.run(other)["state"] == "waiting_for_approval"
        assert place.decide(waiting).ok
        assert place.cancel(other).ok
        place.wait(waiting, "completed")
        assert place.wait(under_way, "completed")["output"] == LONG["text"]
        place.until(lambda: database(place) == "healthy")
        assert place.witness(waiting) == ["once"]
        assert place.witness(other) == []
        assert place.alive() == [WEB, WORKER]
        assert place.violations() == []


def test_readers_do_not_wait_behind_writers(tmp_path: Path) -> None:
    """More writers wait than the web process has threads, or connections."""
    with installed(tmp_path) as place, ExitStack() as kept:
        place.heal(WEB)
        anna = kept.enter_context(browser(place))
        with foreign_writer(place):
            writers = [kept.enter_context(closing(posted(place))) for _ in range(40)]
            for _ in range(3):
                assert asked(place, "GET", "runs").status_code == 200
                for page in ("/", "/runs/", "/threads/"):
                    assert anna.get(page).status_code == 200
            assert anna.get("/readyz").json()["ready"] is False
            answered, _, _ = select.select([writer.sock for writer in writers], [], [], 0)
            assert answered == [], "no reader waited for as long as a writer does"
        assert [writer.getresponse().status for writer in writers] == [201] * len(writers)

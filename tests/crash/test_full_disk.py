"""The disk fills up, on a small one: what cannot be kept is refused with a sentence, ending and tidying up go
on in the room of the reserve, and with room again everything goes on by itself."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import pytest

from runtime import reserve
from runtime.benchmarks.torture.stories import append, script
from tests.crash.outside import fill, small_disk
from tests.crash.place import WEB, WORKER, Place, Unanswered, installed

pytestmark = pytest.mark.usefixtures("shell")
MEBIBYTES = 96
LONG = {"text": "word " * 200}


def disk(place: Place) -> dict[str, Any]:
    """What the health report says of it."""
    [found] = [c for c in place.api.get("health").body["checks"] if c["name"] == "disk"]
    return dict(found)


def started(place: Place, text: str) -> tuple[int, str]:
    """Asks for a run, as often as it takes to get another answer than 503: status and sentence."""
    key = secrets.token_hex(8)
    while True:
        try:
            answer = place.api.post("runs", {"input": text, "agent": "orchestra"}, key=key)
        except Unanswered:
            continue
        if answer.ok:
            place.ledger.note("start", answer.body["thread_id"], answer.body["run_id"], key)
        return answer.status, answer.body.get("detail", "")


def test_it_refuses_ends_tidies_up_and_goes_on(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", MEBIBYTES) as directory, installed(directory) as place:
        place.fleet.start_all()
        place.until(lambda: reserve.is_there(directory))
        waiting = [place.start(script({"tool_calls": [append(mark)]}, {"text": mark})) for mark in "abc"]
        for run_id in waiting:
            place.wait(run_id, "waiting_for_approval")
        under_way = place.start(script(LONG))
        place.wait(under_way, "running")

        ballast = fill(directory)
        # Until somebody notices, there may be a little room left in files that are there already.
        place.until(lambda: started(place, script({"text": "one more"}))[0] == 507)
        place.until(lambda: not (directory / reserve.NAME).exists())
        status, sentence = started(place, script({"text": "nothing"}))
        assert status == 507
        assert sentence.startswith("The disk is full")
        place.until(lambda: disk(place)["status"] == "unhealthy")
        assert "reserve was given up" in disk(place)["reason"]
        first, second, third = waiting
        assert place.patiently(lambda: place.cancel(first)).status == 202
        assert place.patiently(lambda: place.decide(second)).ok
        assert place.patiently(lambda: place.delete(first)).status == 204

        ballast.unlink()
        place.until(lambda: reserve.is_there(directory))
        assert started(place, script({"text": "again"}))[0] == 201
        assert place.decide(third).ok
        for run_id in (second, third):
            place.wait(run_id, "completed")
        assert place.wait(under_way, "completed")["output"] == LONG["text"]
        assert [place.witness(run_id) for run_id in (second, third)] == [["b"], ["c"]]
        place.until(lambda: disk(place)["status"] == "healthy")
        assert place.alive() == [WEB, WORKER]
        place.until(lambda: not place.api.get("runs?state=queued").body["items"])
        place.until(lambda: not place.api.get("runs?state=running").body["items"])
        assert place.violations() == []

"""The page of a run: whole at any moment, without any script."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from runtime import journal, viewing
from runtime.events import EventType
from runtime.lifecycle import RunState
from runtime.models import Artifact, Run, Thread, ToolCall
from tests.web.conftest import Advance, Ask, Page, call, script, start, text_of

pytestmark = pytest.mark.django_db


def at(run: Run) -> str:
    return f"/runs/{run.pk}/"


def test_it_shows_the_whole_story(viewer: User, advance: Advance) -> None:
    todos = [{"content": "look", "status": "completed"}, {"content": "tell", "status": "in_progress"}]
    run = advance(
        start(
            script(
                {
                    "text": "First **look**.",
                    "tool_calls": [call("write_todos", todos=todos), call("ls", path=".")],
                },
                {"text": "Kept.", "tool_calls": [call("save_artifact", path="out/r.md", content="# Result")]},
                {"text": "All done."},
            ),
            agent="orchestra",
        )
    )
    html = text_of(Page(viewer).get(at(run)))
    for part in (
        "<strong>look</strong>",
        "All done.",
        "List the folder",
        "1 of 2",
        "tell",
        "out/r.md",
        "Completed",
    ):
        assert part in html, part
    assert "hx-sse:connect" not in html


def test_it_gives_an_artifact_as_a_download_only(viewer: User, advance: Advance) -> None:
    calls = [call("save_artifact", path="a/page.html", content="<script>alert(1)</script>")]
    run = advance(start(script({"tool_calls": calls}, {"text": "x"})))
    path = re.search(rf'"({at(run)}artifacts/[^"]+)"', text_of(Page(viewer).get(at(run))))
    assert path
    answer = Page(viewer).get(path[1])
    assert answer.headers["Content-Disposition"] == 'attachment; filename="page.html"'
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert b"".join(answer.streaming_content) == b"<script>alert(1)</script>"


def test_it_lets_an_agent_disguise_neither_the_name_nor_the_place_of_a_download(
    viewer: User, advance: Advance, tmp_path: Path
) -> None:
    calls = [call("save_artifact", path="a/bill\u202efdp.exe", content="x")]
    run = advance(start(script({"tool_calls": calls}, {"text": "x"})))
    kept = Artifact.objects.get(run=run)
    path = f"{at(run)}artifacts/{kept.artifact_id}"
    answer = Page(viewer).get(path)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="bill_fdp.exe"'
    assert b"".join(answer.streaming_content) == b"x"
    (tmp_path / "secret").write_text("secret")
    kept.stored.unlink()
    kept.stored.symlink_to(tmp_path / "secret")
    assert Page(viewer).get(path).status_code == 404


def streaming(text: str) -> tuple[Run, journal.Lease]:
    """A run in the middle of its model's reply."""
    run = start("hello")
    lease = journal.claim(run.run_id, "w1", slots=5, lease_seconds=30)
    assert lease
    with journal.entry(run.run_id, lease) as entry:
        entry.note(EventType.MODEL_STARTED, call=1, model="m", attempt=1)
        entry.note(EventType.OUTPUT_DELTA, text="lost attempt", call=1)
        entry.note(EventType.MODEL_STARTED, call=1, model="m", attempt=2)
        for piece in text:
            entry.note(EventType.OUTPUT_DELTA, text=piece, call=1)
    run.refresh_from_db()
    return run, lease


def test_it_is_whole_in_the_middle_of_a_stream(viewer: User) -> None:
    run, _ = streaming("so <far>")
    html = text_of(Page(viewer).get(at(run)))
    assert f'data-seq="{run.last_sequence}"' in html
    assert f'hx-sse:connect="{at(run)}stream?after={run.last_sequence}"' in html
    shown = re.search(r'<div class="stream[^>]*data-call="1">(.*?)</div>', html)
    assert shown
    assert shown[1] == "so &lt;far&gt;"
    assert "lost attempt" not in html


def test_it_shows_a_reply_once_when_it_is_whole(viewer: User) -> None:
    run, lease = streaming("answer")
    with journal.entry(run.run_id, lease) as entry:
        entry.message("assistant", {"text": "answer"}, step="reply")
        entry.note(EventType.MODEL_COMPLETED, call=1, model="m", attempt=2)
    assert text_of(Page(viewer).get(f"{at(run)}transcript/")).count("answer") == 1


def test_it_keeps_the_text_of_a_stream_that_was_cut_off(viewer: User) -> None:
    run, lease = streaming("half")
    with journal.entry(run.run_id, lease) as entry:
        entry.end(RunState.FAILED, "the model call failed", error="Cut <short>.")
    html = text_of(Page(viewer).get(at(run)))
    assert "half" in html
    assert "cut off" in html
    assert "Cut &lt;short&gt;." in html


def test_it_escapes_what_model_and_tool_say(viewer: User, ask: Ask) -> None:
    approval = ask(path="<img src=x>", content="</textarea><script>")
    html = text_of(Page(viewer).get(f"/runs/{approval.run_id}/"))
    assert "<img src=x>" not in html
    assert "</textarea><script>" not in html


def test_it_grants_the_stream_to_whom_may_look(viewer: User, ask: Ask) -> None:
    run = ask().run
    answer = Page(viewer).get(f"{at(run)}stream?after=7")
    grant = json.loads(answer.headers["X-Harness-Stream"])
    who = grant.pop("viewer")
    assert grant == {"kind": "run", "run_id": run.pk, "after": 7}
    assert who.startswith(f"person:{viewer.pk}:")
    assert viewing.may_still_view([who]) == {who}
    assert answer.content == b""


@pytest.mark.parametrize(
    ("header", "query", "after"), [("12", "3", 12), ("x", "3", 0), ("", "-1", 0), ("", "9" * 30, 0)]
)
def test_it_takes_up_where_the_browser_was(
    viewer: User, ask: Ask, header: str, query: str, after: int
) -> None:
    headers = {"Last-Event-ID": header} if header else None
    answer = Page(viewer).get(f"{at(ask().run)}stream?after={query}", headers=headers)
    assert json.loads(answer.headers["X-Harness-Stream"])["after"] == after


def test_it_cancels_and_offers_it_no_more(operator: User, ask: Ask) -> None:
    run = ask().run
    browser = Page(operator)
    assert browser.send(at(run), f"{at(run)}cancel/").headers["Location"] == at(run)
    run.refresh_from_db()
    assert run.state == "cancelled"
    html = text_of(browser.get(at(run)))
    assert "Cancelled. No further tool starts." in html
    assert f"{at(run)}cancel/" not in html


def test_it_says_that_a_run_has_ended_already(operator: User, advance: Advance) -> None:
    run = advance(start("what is 2 + 2?"))
    browser = Page(operator)
    browser.get("/")
    token = browser.client.cookies["csrftoken"].value
    browser.post(f"{at(run)}cancel/", {"csrfmiddlewaretoken": token})
    assert "The run is completed already." in text_of(browser.get(at(run)))


def test_it_lists_every_event_in_pages(viewer: User) -> None:
    run, _ = streaming("x" * 450)
    browser = Page(viewer)
    seen: list[int] = []
    path = f"{at(run)}events/"
    while path:
        html = text_of(browser.get(path))
        seen += [int(number) for number in re.findall(r'id="e-(\d+)"', html)]
        later = re.search(r'href="(\?after=\d+)">Later', html)
        path = f"{at(run)}events/{later[1]}" if later else ""
    assert seen == list(range(1, run.last_sequence + 1))


def test_it_shows_a_long_result_in_part_and_says_where_the_rest_is(viewer: User, advance: Advance) -> None:
    run = start(script({"tool_calls": [call("read_file", path="long.txt")]}, {"text": "x"}))
    folder = run.thread.folder / "files"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "long.txt").write_text("line of text\n" * 1500 + "the very end\n")
    advance(run)
    html = text_of(Page(viewer).get(at(run)))
    link = re.search(rf'"({at(run)}calls/[^"]+)"', html)
    assert link
    assert "the very end" not in html
    assert "more characters" in html
    assert "the very end" in text_of(Page(viewer).get(link[1]))


def test_it_shows_a_run_of_which_little_is_known(viewer: User) -> None:
    # As an import leaves it: no request, no events.
    thread = Thread.objects.create(entry_agent_id="old", status="completed", latest_run_id="r")
    Run.objects.create(
        run_id="r", thread=thread, agent_id="old", execution_mode="x", state="completed", position=1
    )
    assert "old" in text_of(Page(viewer).get("/runs/r/"))
    assert Page(viewer).get(f"/threads/{thread.pk}/").status_code == 200


def test_it_says_that_an_answer_was_cut_and_shows_what_came(viewer: User, advance: Advance) -> None:
    run = advance(start(script({"text": "Once upon a", "finish_reason": "length"})))
    html = text_of(Page(viewer).get(at(run)))
    assert "Once upon a" in html
    assert "The run failed." in html
    assert "cut at its length limit" in html


def test_it_says_that_the_model_ended_without_an_answer(viewer: User, advance: Advance) -> None:
    run = advance(start(script({"tool_calls": [call("ls", path=".")]}, {"text": ""})))
    assert run.state == "completed"
    assert "ended without a closing answer" in text_of(Page(viewer).get(at(run)))


def test_text_runs_in_the_direction_of_its_own_writing(operator: User, advance: Advance) -> None:
    run = advance(start(script({"text": "שלום **עולם**"})))
    browser, title = Page(operator), 'dir="auto"'
    html = text_of(browser.get(at(run)))
    for part in ('<div class="prose" dir="auto">', '<div class="said pre" dir="auto">', '<h1 dir="auto">'):
        assert part in html
    for path in ("/", "/runs/", "/threads/"):
        assert f'<span class="title one-line" {title}>' in text_of(browser.get(path)), path


@pytest.mark.parametrize(
    ("tool", "result", "shown"),
    [
        ("execute", "Exit code 3. It printed 1 byte.\nExit code 0.", True),
        ("execute", "Exit code 0.\nExit code 3.", False),
        ("execute", "Said by a person.", False),
        ("ls", "Exit code 3.", False),
    ],
)
def test_it_says_with_what_code_a_command_failed(
    viewer: User, advance: Advance, tool: str, result: str, shown: bool
) -> None:
    run = advance(start(script({"tool_calls": [call("ls", path=".")]}, {"text": "x"})))
    ToolCall.objects.filter(run=run).update(tool_name=tool, result=result)
    tag, browser = '<span class="tag care">exit 3</span>', Page(viewer)
    line = text_of(browser.get(at(run))).split('class="call-head"')[1].split("</summary>")[0]
    assert (tag in line) is shown
    whole = f"{at(run)}calls/{ToolCall.objects.get(run=run).pk}/"
    assert (tag in text_of(browser.get(whole))) is shown


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (f"a/{'long ' * 33}end.html", f"{('long ' * 33)[:145]}.html"),
        ("x" * 171, "x" * 150),
        (f"a.{'x' * 171}", f"a.{'x' * 148}"),
        (f"{'x' * 147}....tar.gz", f"{'x' * 147}.gz"),
        (".gitignore", "gitignore"),
    ],
)
def test_a_long_name_of_a_download_keeps_its_ending(path: str, name: str) -> None:
    assert Artifact(path=path).download_name == name

"""A transcript has room for so much: hostile texts make no page of megabytes, and all can be reached."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User

from runtime import journal
from runtime.events import EventType
from runtime.models import Approval, Run, ToolCall
from runtime.web import cards, transcript
from runtime.web.transcript import MESSAGE, STREAMED
from tests.web.conftest import Advance, Ask, Page, call, script, start, text_of
from tests.web.test_markdown import HOSTILE
from tests.web.test_run import streaming

pytestmark = pytest.mark.django_db

HEAVY = 1_000_000  #: bytes of a page of hostile texts
NAMES = re.compile(r'id="m-(\d+)"')


def at(run: Run) -> str:
    return f"/runs/{run.pk}/"


def said(*texts: str, run: Run | None = None) -> Run:
    """A run in which the model said these."""
    found = run or start("Say much.")
    lease = journal.claim(found.run_id, "w1", slots=99, lease_seconds=30)
    assert lease
    with journal.entry(found.run_id, lease) as entry:
        for number, text in enumerate(texts):
            entry.message("assistant", {"text": text}, step=f"reply-{number}")
    return found


def walk(browser: Page, path: str) -> list[str]:
    """The messages on a run's page and those to which its links to earlier ones lead, newest page first."""
    pages = []
    while path:
        html = text_of(browser.get(path))
        assert len(html.encode()) < HEAVY
        pages.append(html)
        earlier = re.search(r'href="(/runs/[^"]*\?before=\d+)"', html)
        path = earlier[1] if earlier else ""
    return pages


@pytest.mark.parametrize("name", HOSTILE)
def test_it_shows_hostile_messages_in_pages_that_reach_them_all(viewer: User, name: str) -> None:
    run = said(*[HOSTILE[name]] * 12)
    pages = walk(Page(viewer), at(run))
    shown = [number for html in reversed(pages) for number in NAMES.findall(html)]
    assert shown == [str(pk) for pk in run.messages.order_by("id").values_list("pk", flat=True)]
    assert all("To the newest messages" in html for html in pages[1:])
    assert "To the newest messages" not in pages[0]


@pytest.mark.parametrize("text", ["http://" + "é." * 1_950_000, "é <b> " * 600_000, "**a** \u200b" * 500_000])
def test_it_cuts_a_long_message_and_leads_to_the_whole(viewer: User, text: str) -> None:
    run = said("Short.", text + "\nthe very end")
    browser = Page(viewer)
    html = text_of(browser.get(at(run)))
    assert len(html.encode()) < HEAVY
    assert "the very end" not in html
    count = f"{len(text) + 13 - MESSAGE:,}"
    assert f"{count} more characters" in html
    [link] = re.findall(rf'"({at(run)}messages/\d+/)"', html)
    whole = text_of(browser.get(link))
    assert "the very end" in whole
    assert len(whole) < 1.2 * len(text.replace("<b>", "&lt;b&gt;")) + 500_000


def test_it_cuts_what_a_person_said_too(viewer: User) -> None:
    run = start("word " * 30_000 + "the very end")
    html = text_of(Page(viewer).get(at(run)))
    assert "the very end" not in html
    [link] = re.findall(rf'"({at(run)}messages/\d+/)"', html)
    assert "the very end" in text_of(Page(viewer).get(link))


def test_it_shows_a_message_of_no_other_run_and_no_hidden_role(viewer: User, advance: Advance) -> None:
    run = advance(start(script({"tool_calls": [call("ls", path=".")]}, {"text": "x"})))
    other = start("hello")
    spoken = [m for m in run.messages.all() if m.role in transcript.SPEAKERS]
    hidden = [m for m in run.messages.all() if m.role not in transcript.SPEAKERS]
    assert hidden
    browser = Page(viewer)
    assert {browser.get(f"{at(run)}messages/{m.pk}/").status_code for m in spoken} == {200}
    assert {browser.get(f"{at(run)}messages/{m.pk}/").status_code for m in hidden} == {404}
    assert {browser.get(f"{at(other)}messages/{m.pk}/").status_code for m in spoken} == {404}
    for key in ("0", "-1", "x", "9" * 30):
        assert browser.get(f"{at(run)}messages/{key}/").status_code == 404


def test_a_thread_shares_the_room_among_its_runs(viewer: User) -> None:
    run = said(*[HOSTILE["emphasis"]] * 8)
    for _ in range(4):
        Run.objects.filter(pk=run.pk).update(state="completed")
        run = said(*[HOSTILE["emphasis"]] * 8, run=start("More.", thread_id=run.thread_id))
    html = text_of(Page(viewer).get(f"/threads/{run.thread_id}/"))
    assert len(html.encode()) < HEAVY
    shown = NAMES.findall(html)
    assert str(run.messages.order_by("-id")[0].pk) in shown
    left = re.findall(r'href="(/runs/[^"]+)">(\d+) (?:earlier )?messages? of this run', html)
    assert len(shown) + sum(int(count) for _, count in left) == 5 * 9
    assert all(Page(viewer).get(path).status_code == 200 for path, _ in left)


@pytest.mark.parametrize("piece", ['"', "\u200b\u2060", "http://é ", "x"])
def test_it_shows_many_hostile_calls_in_brief(viewer: User, advance: Advance, piece: str) -> None:
    texts = [piece * (3_900 // len(piece))] * 60
    calls = [call("read_file", path=f"{number}{text}") for number, text in enumerate(texts)]
    run = advance(start(script({"tool_calls": calls}, {"text": "x"})))
    html = text_of(Page(viewer).get(at(run)))
    assert len(html.encode()) < HEAVY
    ids = list(ToolCall.objects.filter(run=run).values_list("pk", flat=True))
    assert all(f'id="c-{each}"' in html for each in ids)
    for each in ids[:1] + ids[-1:]:
        path = f"{at(run)}calls/{each}/"
        assert path in html or piece == "x"
        assert Page(viewer).get(path).status_code == 200


def test_it_leaves_long_arguments_to_the_page_of_the_call(viewer: User, advance: Advance) -> None:
    long = "word " * 1_000 + "the very end"
    run = advance(start(script({"tool_calls": [call("read_file", path=long)]}, {"text": "x"})))
    html = text_of(Page(viewer).get(at(run)))
    assert "the very end</dd>" not in html
    assert "The arguments are too long to be shown here." in html
    [link] = set(re.findall(rf'"({at(run)}calls/[^"]+)"', html))
    assert "the very end</dd>" in text_of(Page(viewer).get(link))


@pytest.mark.parametrize("piece", ["x", "\u200b\u2060", '"&', "http://é.a "])
@pytest.mark.parametrize("size", [3_900, 200_000])
def test_what_is_to_be_approved_is_whole_or_not_there(
    reviewer: User, ask: Ask, piece: str, size: int
) -> None:
    approval: Approval = ask(path="a.txt", content=piece * (size // len(piece)) + "the very end")
    browser = Page(reviewer)
    html = text_of(browser.get(at(approval.run)))
    decide = f'action="/approvals/{approval.pk}/decide/"'
    shown = size == 3_900 and piece == "x"
    assert ("the very end</dd>" in html, decide in html) == (shown, shown)
    assert f'href="/approvals/{approval.pk}/"' in html
    card = text_of(browser.get(f"/approvals/{approval.pk}/"))
    assert "the very end</dd>" in card
    assert decide in card
    assert len(card.encode()) < 25 * size + 500_000


def test_it_makes_no_card_of_what_it_leaves_out(
    viewer: User, advance: Advance, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    make = cards.make

    def counting(call: ToolCall, *given: Any, **more: Any) -> cards.Card:
        made.append(call.pk)
        return make(call, *given, **more)

    monkeypatch.setattr(cards, "make", counting)
    replies = [{"tool_calls": [call("ls", path=".")]} for _ in range(8)]
    run = advance(start(script(*replies, {"text": "x"})))
    assert transcript.of_run(run).left_out == 0
    assert len(made) == 8
    made.clear()
    seen = transcript.of_run(run, transcript.Room(3 * cards.FRAME))
    assert len(seen.items) + seen.left_out == 10
    assert len(made) < 4
    assert seen.asked == transcript.of_run(run).asked != ""


def test_arguments_stand_in_the_tools_order_though_nobody_was_asked(advance: Advance) -> None:
    saves = call("save_artifact", path="r.md", content="a note that is longer than its path")
    run = advance(start(script({"tool_calls": [saves]}, {"text": "Done."}), agent="orchestra"))
    [card] = cards.of_calls(run.tool_calls.all())
    assert card.approval is None
    assert [value.name for value in card.values] == ["path", "content"]


def test_it_shows_the_end_of_a_long_stream_and_where_the_beginning_is(viewer: User) -> None:
    run, _ = streaming("abc")
    html = text_of(Page(viewer).get(at(run)))
    assert '<p class="small muted" hidden>The beginning is left out here.' in html
    run, lease = streaming("the very beginning")
    with journal.entry(run.run_id, lease) as entry:
        for _ in range(40):
            entry.note(EventType.OUTPUT_DELTA, text="é" * (STREAMED // 20), call=1)
    html = text_of(Page(viewer).get(at(run)))
    assert "the very beginning" not in html.partition('class="columns"')[2].partition('id="events"')[0]
    assert '<p class="small muted">The beginning is left out here.' in html
    assert f"{at(run)}events/" in html

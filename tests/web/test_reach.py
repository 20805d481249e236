"""Every page is reached by links from the board, by everyone who may see it; no link leads nowhere."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

import pytest
from django.contrib.auth.models import User
from django.urls import resolve

from runtime import journal
from runtime.lifecycle import Decision
from runtime.models import Run
from tests.web.conftest import Advance, Ask, Page, call, script, start
from tests.web.test_access import ACTS, OPEN

pytestmark = pytest.mark.django_db

LINK = re.compile(r'<(?:a|button)\b[^>]*?\b(?:href|formaction)="([^"]*)"')
FORM = re.compile(
    r'<form\b[^>]*?method="get"[^>]*?action="([^"]+)"|<form\b[^>]*?action="([^"]+)"[^>]*?method="get"'
)
ENOUGH = 8  #: addresses of one page that are opened
#: What only a script of the page asks for, or a browser for a part of it.
PARTS = {"board_live", "live", "pending_count", "run_panel", "run_transcript", "run_stream", "thread_talk"}
PARTS |= {"runs_rows", "doubts_rows", "threads_rows", "approvals_rows", "run_waterfall_rows", "health_report"}
#: For those who may act alone: the question before many runs are cancelled or repeated, or a thread deleted.
OPERATORS = {"runs_cancel", "runs_retry", "thread_remove"}


def names() -> set[str]:
    """The pages that the product has."""
    from runtime.web import urls

    return {str(pattern.name) for pattern in urls.urlpatterns} - OPEN - set(ACTS) - PARTS


def links(html: str, here: str) -> Iterator[str]:
    """The paths that a page leads to."""
    found = [*LINK.findall(html), *(one or other for one, other in FORM.findall(html))]
    for address in found:
        parts = urlsplit(urljoin(here, address.replace("&amp;", "&")))
        if not parts.netloc:
            yield parts._replace(fragment="").geturl()


def reached(browser: Page) -> set[str]:
    """The names of the pages that links lead to, from the board on; each link has to lead somewhere."""
    seen, waiting, opened = {"/"}, deque(["/"]), Counter[str]()
    while waiting:
        here = waiting.popleft()
        match = resolve(urlsplit(here).path)
        name = str(match.view_name)
        if opened[name] >= ENOUGH or match.app_name or name in OPEN:
            continue
        opened[name] += 1
        answer = browser.get(here)
        assert answer.status_code == 200, here
        if answer.streaming:
            answer.getvalue()  # reads the file to its end, which closes it
            continue
        for path in links(answer.content.decode(), here):
            if path not in seen:
                seen.add(path)
                waiting.append(path)
    return set(opened)


@pytest.fixture
def busy(ask: Ask, advance: Advance) -> None:
    """Something of everything that a page may be about."""
    ask()
    approval = ask(path="b.txt", content="b")
    journal.settle(approval.pk, journal.Verdict(Decision.APPROVE, approval.digest, "rene", "page"))
    lease = journal.claim(approval.run_id, "w", slots=9, lease_seconds=30)
    with journal.entry(approval.run_id, lease) as entry:
        journal.start(entry, journal.call_of(entry.run.run_id, approval.tool_call_id), worker="w")
    with journal.entry(approval.run_id, lease) as entry:
        entry.message("assistant", {"text": "word " * 5_000}, step="long")
        journal.doubt(entry, approval.tool_call_id)
    keep = call("save_artifact", path="r.md", content="# Result")
    first = advance(start(script({"text": "", "tool_calls": [keep]}, {"text": "Kept."})))
    files = first.thread.folder / "files"
    files.mkdir(parents=True, exist_ok=True)
    (files / "long.txt").write_text("a line\n" * 2_000)
    read = script({"text": "", "tool_calls": [call("read_file", path="long.txt")]}, {"text": "Read."})
    advance(start(read, thread_id=first.thread_id))
    assert sorted(Run.objects.values_list("state", flat=True)) == [
        *("completed", "completed"),
        *("in_doubt", "waiting_for_approval"),
    ]


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize("role", ["viewer", "operator", "reviewer", "administrator"])
def test_every_page_is_reached_by_those_who_may_see_it(request: pytest.FixtureRequest, role: str) -> None:
    person: User = request.getfixturevalue(role)
    wanted = names()
    if role not in ("operator", "administrator"):
        wanted -= OPERATORS
    assert wanted - reached(Page(person)) == set()


@pytest.mark.usefixtures("busy")
def test_an_administrator_reaches_the_records_too(administrator: User) -> None:
    assert "admin:index" in links_of_the_bar(Page(administrator))


@pytest.mark.usefixtures("busy")
def test_nobody_else_is_led_to_the_records(operator: User) -> None:
    assert "admin:index" not in links_of_the_bar(Page(operator))


def links_of_the_bar(browser: Page) -> set[str]:
    html = browser.get("/").content.decode()
    return {resolve(urlsplit(path).path).view_name for path in links(html, "/") if path.startswith("/")}

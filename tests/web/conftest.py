"""People with browsers (without scripts), and runs to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client

from runtime import catalogue, viewing
from runtime.models import Approval, Run
from runtime.web import audience, live
from tests.engine.conftest import advance, call, keeper, script, start

__all__ = ["Advance", "Ask", "Page", "advance", "call", "keeper", "script", "start", "text_of"]

Advance = Callable[[Run], Run]
Ask = Callable[..., Approval]


class Page:
    """One person's browser: it sends forms as they stand on the page, with token and hidden fields."""

    def __init__(self, user: User | None = None) -> None:
        self.client = Client(enforce_csrf_checks=True)
        if user is not None:
            self.client.force_login(user)

    def get(self, path: str, headers: dict[str, str] | None = None) -> Any:
        return self.client.get(path, headers=headers)

    def post(self, path: str, data: dict[str, Any] | None = None) -> Any:
        """A bare POST, without a token."""
        return self.client.post(path, data or {})

    def send(self, path: str, action: str, **typed: str) -> Any:
        """Opens the page at `path`, fills in its form that goes to `action` and sends it."""
        forms = Forms(text_of(self.get(path)))
        found = [fields for where, fields in forms.found if where == action]
        assert found, f"{path} has no form that goes to {action}: {[where for where, _ in forms.found]}"
        fields = next((f for f in found if typed.keys() <= f.keys() | {"decision", "seen"}), found[0])
        return self.client.post(action, fields | typed)


class Forms(HTMLParser):
    """The forms of a page: where they go and what is in their fields."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str]]] = []
        self._area: str | None = None
        self._select: str | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        have = dict(attrs)
        if tag == "form":
            self.found.append((have.get("action") or "", {}))
        if not self.found:
            return
        fields, name = self.found[-1][1], have.get("name") or ""
        if tag == "input" and name and have.get("type") != "checkbox":
            fields[name] = have.get("value") or ""
        elif tag == "textarea":
            self._area, fields[name] = name, ""
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and (self._select not in fields or "selected" in have):
            fields[self._select] = have.get("value") or ""

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            fields = self.found[-1][1]
            # The first line break after the tag is not part of the text; browsers send CR LF.
            fields[self._area] += (data[1:] if data.startswith("\n") else data).replace("\n", "\r\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = None
        elif tag == "select":
            self._select = None


@pytest.fixture
def ask(advance: Advance) -> Ask:
    """Makes a run that waits for a decision about one call; gives the approval."""

    def make(tool: str = "write_file", then: str = "Done.", **arguments: Any) -> Approval:
        given = arguments or {"path": "notes.txt", "content": "one\ntwo\n"}
        run = advance(start(script({"text": "I will.", "tool_calls": [call(tool, **given)]}, {"text": then})))
        return Approval.objects.get(run=run)

    return make


@pytest.fixture
def break_workspace(tmp_path: Path, settings: Any) -> Iterator[Callable[[], None]]:
    """Somebody edits the workspace and leaves it broken, once it is called."""

    def break_it() -> None:
        (tmp_path / "workspace.yaml").write_text("kind: [")
        settings.WORKSPACE_DIR = tmp_path
        catalogue.forget()

    yield break_it
    settings.WORKSPACE_DIR = None
    catalogue.forget()


def text_of(answer: HttpResponse) -> str:
    """The page as text."""
    return answer.content.decode()


def signed_in(user: User) -> str:
    """A viewer of streams: this person with a session of their own."""
    browser = Client()
    browser.force_login(user)
    key = browser.cookies["harness_session"].value
    return f"person:{user.pk}:{key}:{user.get_session_auth_hash()[: viewing.PROOF]}"


@pytest.fixture
def watcher(viewer: User, monkeypatch: pytest.MonkeyPatch) -> str:
    """Who watches streams on which a keep-alive comes soon."""
    monkeypatch.setattr(live, "KEEP_ALIVE_SECONDS", 0.2)
    monkeypatch.setattr(audience, "LOOK_SECONDS", 0.2)
    return signed_in(viewer)

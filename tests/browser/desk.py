"""A running product with people, seen through a browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
from playwright.sync_api import Browser, BrowserContext, Page, StorageState

from tests.browser.model import Model
from tests.browser.watch import Watch
from tests.product import TERMINAL, Product, wait_for

TIMEOUT_MS = 20_000  # generous: a slow machine must not fail what is right
PASSWORD = "correct-horse-battery"
PEOPLE = {
    "anna": ["administrator"],
    "olga": ["operator"],
    "rene": ["reviewer"],
    "vera": ["viewer"],
    "otto": [],
}
MAKE_PEOPLE = f"""
from django.contrib.auth.models import Group, User
for name, roles in {PEOPLE!r}.items():
    user = User.objects.create_user(name, password={PASSWORD!r})
    user.groups.set(Group.objects.filter(name__in=roles))
"""


@dataclass
class Installation:
    """A product for all tests of the session; the people's sign-ins are kept."""

    product: Product
    api: httpx.Client  # may start and decide
    model: Model | None = None
    signed_in: dict[str, StorageState] = field(default_factory=dict)


@contextmanager
def installed(product: Product, model: Model | None = None) -> Iterator[Installation]:
    """The product with its people."""
    product.command("shell", "-v", "0", "-c", MAKE_PEOPLE)
    with product.client("operator", "reviewer") as api:
        yield Installation(product, api, model)


class Desk:
    """An installation for one test: its windows, and everything they complain about."""

    def __init__(self, installation: Installation, browser: Browser) -> None:
        self.installation = installation
        self.product = installation.product
        self.api = installation.api
        self.watch = Watch()
        self._browser = browser
        self._contexts: list[BrowserContext] = []

    @property
    def model(self) -> Model:
        """The model of an installation that has one to steer."""
        assert self.installation.model is not None
        return self.installation.model

    def window(self, who: str | None = "anna", **options: Any) -> BrowserContext:
        """A browser window of a person (None: of nobody); see Browser.new_context."""
        state = self._signed_in(who) if who else None
        context = self._browser.new_context(base_url=self.product.url, storage_state=state, **options)
        context.set_default_timeout(TIMEOUT_MS)
        self.watch.put_on(context)
        self._contexts.append(context)
        return context

    def page(self, path: str = "", who: str | None = "anna", **options: Any) -> Page:
        """A page in a window of its own."""
        page = self.window(who, **options).new_page()
        if path:
            page.goto(path)
        return page

    def start(self, text: str, **body: Any) -> str:
        """Starts a run through the API; gives its id."""
        answer = self.api.post("runs", json={"input": text, **body})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["run_id"])

    def start_on(self, page: Page, text: str) -> str:
        """Starts a run on the board; the page is the run's then. Gives its id."""
        page.goto("/")
        page.get_by_label("What should the agent do?").fill(text)
        page.get_by_role("button", name="Start", exact=True).click()
        page.wait_for_url("**/runs/*/")
        return page.url.rstrip("/").rpartition("/")[2]

    def run(self, run_id: str) -> dict[str, Any]:
        """The run as the API gives it."""
        found: dict[str, Any] = self.api.get(f"runs/{run_id}").raise_for_status().json()
        return found

    def wait(self, run_id: str, *states: str) -> dict[str, Any]:
        """The run once it is in one of the states."""
        return wait_for(self.api, run_id, *states)

    def waiting(self, text: str, **body: Any) -> str:
        """Starts a run and waits until a person is asked; gives its id."""
        run_id = self.start(text, **body)
        self.wait(run_id, "waiting_for_approval")
        return run_id

    def pending(self, run_id: str) -> list[dict[str, Any]]:
        """The run's undecided approvals, in the order of the calls."""
        query = {"status": "pending", "run": run_id}
        found: list[dict[str, Any]] = (
            self.api.get("approvals", params=query).raise_for_status().json()["items"]
        )
        return found

    def decide(self, approval: dict[str, Any], decision: str, **more: Any) -> None:
        """Decides through the API, as somebody elsewhere."""
        body = {"decision": decision, "digest": approval["digest"], **more}
        self.api.post(f"approvals/{approval['approval_id']}/decision", json=body).raise_for_status()

    def file(self, run_id: str, name: str) -> bytes:
        """A file of the run's thread."""
        folder = self.product.data_dir / "threads" / self.run(run_id)["thread_id"] / "files"
        return Path(folder, name).read_bytes()

    def kill(self, command: str) -> None:
        """Kills the product's process of this command; its supervisor starts another."""
        children = psutil.Process(self.product.process.pid).children()
        [process] = [child for child in children if command in child.cmdline()]
        process.kill()

    def in_doubt(self) -> str:
        """A run whose worker died while a call ran; gives its id."""
        self.model.will_call(
            {"name": "execute", "arguments": {"command": "touch begun; sleep 50"}}, text="Wait."
        )
        run_id = self.waiting("Run something long.")
        self.decide(self.pending(run_id)[0], "approve")
        while not self.api.get(f"runs/{run_id}/events", params={"type": "tool.started"}).json()["items"]:
            assert self.run(run_id)["state"] in ("queued", "running")
        self.kill("run_huey")
        self.wait(run_id, "in_doubt")
        return run_id

    def clear(self) -> None:
        """Deletes everything: the product is as after its first start."""
        self._settle()
        while threads := self.api.get("threads", params={"limit": 200}).raise_for_status().json()["items"]:
            for thread in threads:
                self._delete(f"threads/{thread['thread_id']}")

    def _delete(self, thread: str) -> None:
        answer = self.api.delete(thread)
        if answer.status_code == 409:  # somebody holds it
            with self.product.client("administrator") as administrator:
                administrator.delete(f"{thread}/hold").raise_for_status()
            answer = self.api.delete(thread)
        answer.raise_for_status()

    def close(self) -> None:
        """Closes the windows, and lets nothing of this test go on into the next."""
        for context in self._contexts:
            context.close()
        if self.installation.model:
            self.installation.model.forget()
            self._settle()

    def _settle(self) -> None:
        """Cancels what waits, and lets what runs come to rest: a model call must not reach the next test."""
        for state in ("queued", "waiting_for_approval", "running", "waiting_for_approval", "in_doubt"):
            found = self.api.get("runs", params={"state": state, "limit": 200}).raise_for_status()
            for run in found.json()["items"]:
                if state == "running":
                    self.wait(run["run_id"], "waiting_for_approval", *TERMINAL)
                else:
                    self.api.post(f"runs/{run['run_id']}/cancel")  # 409: it ended by itself

    def _signed_in(self, who: str) -> StorageState:
        kept = self.installation.signed_in
        if who not in kept:
            context = self._browser.new_context(base_url=self.product.url)
            page = context.new_page()
            sign_in(page, who)
            page.wait_for_url(lambda url: "/sign-in/" not in url)
            kept[who] = context.storage_state()
            context.close()
        return kept[who]


def sign_in(page: Page, who: str, password: str = PASSWORD) -> None:
    """Fills in the sign-in page (the one that is open, if one is) and sends it."""
    if "/sign-in/" not in page.url:
        page.goto("/sign-in/")
    page.get_by_label("Name").fill(who)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()

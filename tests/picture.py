"""The pictures of the README: `python -m tests.picture` takes them from the product itself, with a model that
tells a small story."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests import chromium
from tests.browser import model
from tests.browser.desk import Desk, installed
from tests.openai_server import Answer
from tests.product import running

FOLDER = Path(__file__).resolve().parent.parent / ".readme"
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SIZE = (1180, 820)
QUALITY = 0.8  #: of the WebP files; text stays sharp and a page takes some 30 KB
WEBP = """
([png, quality]) => new Promise((done) => {
  const image = new Image();
  image.onload = () => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.width, image.height];
    canvas.getContext("2d").drawImage(image, 0, 0);
    done(canvas.toDataURL("image/webp", quality).split(",")[1]);
  };
  image.src = "data:image/png;base64," + png;
})
"""
NOTES = "# Release 2.4\n\n- Faster search\n- Two fixes in the importer\n"
LATER = NOTES + "\nShips on Friday, after the review.\n"
PLAN = [
    {"content": "Read the release notes", "status": "completed"},
    {"content": "Add when it ships", "status": "in_progress"},
    {"content": "Read them once more", "status": "pending"},
]


def main() -> None:
    """Every main page, light and dark."""
    FOLDER.mkdir(exist_ok=True)
    with story() as desk:
        pages = pages_of(desk)
        for scheme in SCHEMES:
            for name, path in pages.items():
                page = opened(desk, path, scheme)
                keep(page, FOLDER / f"{name}-{scheme}.webp")
                page.context.close()


@contextmanager
def story() -> Iterator[Desk]:
    """A product in which something of everything has happened."""
    with (
        tempfile.TemporaryDirectory() as data,
        model.running() as server,
        running(Path(data), HARNESS_MODEL_BASE_URL=server.server.base_url, HARNESS_MODEL="qwen3") as product,
        installed(product, server) as installation,
        sync_playwright() as playwright,
    ):
        browser: Browser = playwright.chromium.launch(executable_path=chromium.find(), args=["--no-sandbox"])
        token = product.command("token", "release-desk", "--role", "operator", "--role", "reviewer")
        installation.api.headers["Authorization"] = f"Bearer {token}"
        yield Desk(installation, browser)
        browser.close()


def pages_of(desk: Desk) -> dict[str, str]:
    """Lets the story happen; gives the pages' names and addresses."""
    thread = finished(desk)
    failed(desk)
    doubtful(desk)
    desk.product.command("maintain", "records")
    desk.product.command("maintain", "checkpoints", "--dry-run")
    asked(desk, "Clean up the drafts", call("write_file", path="drafts/index.md", content="# Drafts\n"))
    run_id = plan(desk, thread)
    card = desk.pending(run_id)[0]["approval_id"]
    return {
        "board": "/",
        "runs": "/runs/",
        "run": f"/runs/{run_id}/",
        "card": f"/approvals/{card}/",
        "thread": f"/threads/{thread}/",
        "health": "/health/",
        "maintenance": "/maintenance/",
        "doubts": "/doubts/",
    }


def call(name: str, **arguments: Any) -> dict[str, Any]:
    """A call as the model makes it."""
    return {"name": name, "arguments": arguments}


def asked(desk: Desk, text: str, *calls: dict[str, Any], said: str = "", **body: Any) -> str:
    """A run that waits for a person; gives its id."""
    desk.model.will_call(*calls, text=said)
    return desk.waiting(text, **body)


def finished(desk: Desk) -> str:
    """A run that was approved and ended; gives the thread."""
    write = call("write_file", path="notes/release.md", content=NOTES)
    run_id = asked(desk, "Draft the notes of release 2.4", write, said="I will write what has changed.")
    desk.model.will_say("The draft is in **notes/release.md**: two sections, and nothing that is not merged.")
    desk.decide(desk.pending(run_id)[0], "approve")
    return str(desk.wait(run_id, "completed")["thread_id"])


def failed(desk: Desk) -> None:
    """A run whose model is not there."""
    desk.model.server.answer(Answer(text="The model is not loaded.", status=404))
    desk.wait(desk.start("Summarise last week's incidents"), "failed")


def doubtful(desk: Desk) -> None:
    """A call whose worker was killed."""
    run_id = asked(
        desk, "Publish the nightly build", call("execute", command="sleep 50 && ./publish nightly")
    )
    desk.decide(desk.pending(run_id)[0], "approve")
    while not desk.api.get(f"runs/{run_id}/events", params={"type": "tool.started"}).json()["items"]:
        assert desk.run(run_id)["state"] in ("queued", "running")
    desk.kill("run_huey")
    desk.wait(run_id, "in_doubt")


def plan(desk: Desk, thread: str) -> str:
    """A run with a plan that wants to change a file; gives its id."""
    edit = call("write_file", path="notes/release.md", content=LATER)
    return asked(
        desk,
        "Say in the release notes when it ships, then read them once more",
        call("write_todos", todos=PLAN),
        edit,
        said="The notes are there. I will add **when it ships** below the list.",
        thread_id=thread,
    )


def opened(desk: Desk, path: str, scheme: Literal["light", "dark"]) -> Page:
    """The page as an administrator sees it."""
    width, height = SIZE
    page = desk.page(path, color_scheme=scheme, viewport={"width": width, "height": height})
    expect(page.locator("main h1")).to_have_count(1)
    page.wait_for_timeout(500)  # what a script adds is there, and no button is dim any more
    return page


def keep(page: Page, file: Path) -> None:
    """Leaves a picture of what is in the window."""
    png = base64.b64encode(page.screenshot(animations="disabled")).decode()
    blank = page.context.new_page()  # without the product's policy, which lets no page show such an image
    file.write_bytes(base64.b64decode(blank.evaluate(WEBP, [png, QUALITY])))


if __name__ == "__main__":
    main()

"""One Chromium and two running products for all browser tests; each test fails for what the browser
complains about."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests import chromium
from tests.browser import model
from tests.browser.desk import TIMEOUT_MS, Desk, Installation, installed
from tests.product import running

FLAGS = [
    "--no-sandbox",  # as root there is none
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
# Reading asks, too: its arguments are numbers.
RULES = """\
apiVersion: agent-harness/v1alpha1
kind: Workspace
metadata:
  name: browser
spec:
  approvals:
    rules:
      - {name: reading is watched, action: ask, tool: read_file}
      - {name: reading is free, action: allow, read_only: true}
      - {name: plans are free, action: allow, tool: write_todos}
      - {name: artifacts are free, action: allow, tool: save_artifact}
      - {name: only yes or no, action: ask, tool: edit_file, allowed_decisions: [approve, reject]}
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs the browser."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


# Not for the whole session: while Playwright runs, its thread counts as asynchronous, and Django's ORM
# refuses to work there. The tests of other folders must not see that.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    path = chromium.find()
    assert path is not None
    expect.set_options(timeout=TIMEOUT_MS)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="package")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A fresh installation with the embedded model."""
    with running(tmp_path_factory.mktemp("embedded")) as product, installed(product) as installation:
        yield installation


@pytest.fixture(scope="package")
def connected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation with a model of its own that streams, a workspace, and a tool that sends for good."""
    folder = tmp_path_factory.mktemp("workspace")
    (folder / "workspace.yaml").write_text(RULES)
    with (
        model.running() as server,
        running(
            tmp_path_factory.mktemp("connected"),
            HARNESS_MODEL_BASE_URL=server.server.base_url,
            HARNESS_MODEL="test-model",
            HARNESS_WORKSPACE=str(folder),
            DJANGO_SETTINGS_MODULE="tests.browser.mail",
        ) as product,
        installed(product, server) as installation,
    ):
        yield installation


@pytest.fixture
def desk(embedded: Installation, browser: Browser) -> Iterator[Desk]:
    """The product with the embedded model, in a browser."""
    yield from _desk(embedded, browser)


@pytest.fixture
def live(connected: Installation, browser: Browser) -> Iterator[Desk]:
    """The product with a model that the test steers, in a browser."""
    yield from _desk(connected, browser)


def _desk(installation: Installation, browser: Browser) -> Iterator[Desk]:
    desk = Desk(installation, browser)
    yield desk
    desk.close()
    assert desk.watch.problems == []

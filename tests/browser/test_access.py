"""For everyone: accessibility rules in both schemes, small and zoomed windows, the keyboard, the weight.

With SHOTS=FOLDER a picture of each state is left there, light, dark and as on a phone.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

from tests.browser.desk import Desk
from tests.browser.look import WIDTHS, overflow, unfold
from tests.browser.states import STATES, State

SHOTS = os.environ.get("SHOTS", "")
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
    "preload": False,
}
CHECK = "(rules) => axe.run(document, rules).then((found) => found.violations)"


def violations(page: Page) -> list[str]:
    """What the checker finds, in lines."""
    found: list[dict[str, Any]] = page.evaluate(CHECK, RULES)
    return [
        f"{one['id']}: {node['html'][:200]} {node['failureSummary']}"
        for one in found
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_it_is_accessible_and_fits_everywhere(live: Desk, state: State) -> None:
    # The checker brings styles of its own, which the policy would refuse.
    page = live.page(bypass_csp=True, color_scheme="light", viewport={"width": 1280, "height": 900})
    state(live, page)
    picture(page, f"{state.__name__}-light")
    unfold(page)
    page.evaluate(AXE_SCRIPT)
    problems: list[str] = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        if overflow(page):
            problems.append(f"{overflow(page)} px too wide at {width}")
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            if width != 640:
                problems += [f"{scheme} {width} {line}" for line in violations(page)]
            if (width, scheme) in ((360, "light"), (1280, "dark")):
                picture(page, f"{state.__name__}-{'phone' if width == 360 else 'dark'}")
    assert problems == []


def picture(page: Page, name: str) -> None:
    """Leaves a picture, when they are wanted."""
    if SHOTS:
        Path(SHOTS).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(SHOTS, f"{name}.png"), full_page=True)

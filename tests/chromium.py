"""Where the browser of the browser tests is: Debian's, or any other Chromium on the PATH."""

from __future__ import annotations

import os
import shutil

#: The shell first: the same engine without the windows around it, which take as much time as the pages.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
MISSING = "browser tests did not run: no Chromium on the PATH (Debian and Ubuntu: apt install chromium)"


def find() -> str | None:
    """The program, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def is_required() -> bool:
    """Whether its absence is an error: nothing is left out unnoticed on a build machine."""
    return os.environ.get("CI") == "true"

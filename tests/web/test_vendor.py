"""What is vendored is what its manifest says, with its licence."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest
from django.conf import settings

VENDOR = Path(settings.BASE_DIR) / "static" / "vendor"
FOLDERS = sorted(path for path in VENDOR.iterdir() if path.is_dir())


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_it_is_what_the_manifest_says(folder: Path) -> None:
    manifest = json.loads((folder / "MANIFEST.json").read_text())
    assert folder.name.endswith(f"-{manifest['version']}")
    assert manifest["license"]
    files = {path.name for path in folder.iterdir()} - {"MANIFEST.json"}
    assert files == manifest["sha256"].keys()
    assert "LICENSE" in files
    for name, expected in manifest["sha256"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == expected


def test_it_loads_nothing_from_elsewhere_and_no_unknown_extension() -> None:
    base = (Path(settings.BASE_DIR) / "templates" / "base.html").read_text()
    config = json.loads(base.split("content='")[1].split("'>")[0])
    assert config["mode"] == "same-origin"
    assert config["history"] is False
    assert config["includeIndicatorCSS"] is False
    assert config["extensions"] == "sse,harness"


def test_it_begins_only_when_the_modules_of_the_page_listen() -> None:
    # Deferred, htmx would begin as soon as it is loaded, perhaps before a module that is still on its way.
    base = (Path(settings.BASE_DIR) / "templates" / "base.html").read_text()
    scripts = re.findall(r"<script[^>]*>", base)
    vendored = [tag for tag in scripts if "vendor/" in tag]
    assert len(vendored) == 2
    assert not any("defer" in tag or "async" in tag or "module" in tag for tag in vendored)
    assert base.index(vendored[0]) > base.index("</main>")

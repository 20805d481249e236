"""What is vendored is what its manifest says, with its licence."""

from __future__ import annotations

import hashlib
import json
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

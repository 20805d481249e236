"""What templates may hold under the Content-Security-Policy, and what would let hostile text through."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from tests.house.source import ROOT

BANNED = {
    r"<script(?![^>]*\bsrc=)": "an inline script",
    r"<style\b": "an inline style sheet",
    r"\sstyle\s*=": "an inline style",
    r"\son[a-z]+\s*=": "an inline handler",
    r"\bhx-on\b": "an inline handler",
    r"javascript:": "a script in an address",
    r"(src|href|action)\s*=\s*[\"']?(https?:)?//": "an address outside of the product",
    r"\|\s*safe\b": "text that is not escaped",
    r"\|\s*safeseq\b": "text that is not escaped",
    r"autoescape\s+off": "text that is not escaped",
}


def read(root: Path = ROOT) -> dict[str, str]:
    """Every template by its path."""
    found = sorted((root / "templates").rglob("*.html"))
    return {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in found}


def unsafe(texts: Mapping[str, str]) -> list[str]:
    """What a browser would refuse, or should not be given."""
    return [
        f"{path}:{text.count(chr(10), 0, match.start()) + 1}: {what}: {match.group().strip()}"
        for path, text in texts.items()
        for pattern, what in BANNED.items()
        for match in re.finditer(pattern, text, re.IGNORECASE)
    ]

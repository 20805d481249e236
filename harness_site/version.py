"""Which version of the product this is. Standard library only.

From a checkout it also names the commit: after an upgrade one wants to see which processes are new.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMIT = re.compile(r"[0-9a-f]{40}")
SHOWN = 9  #: digits of a commit


@cache
def version(root: Path = ROOT) -> str:
    """As in `0.1.0+1a2b3c4d5`; without the part from `+` where there is no commit to be seen."""
    with (root / "pyproject.toml").open("rb") as file:
        number = str(tomllib.load(file)["project"]["version"])
    commit = _commit(root / ".git")
    return f"{number}+{commit[:SHOWN]}" if commit else number


def _commit(git: Path) -> str:
    """What is checked out; empty when that cannot be told. Read from the files: `git` may not be here."""
    try:
        if git.is_file():  # a work tree of another checkout
            git = git.parent / git.read_text(encoding="utf-8").partition("gitdir:")[2].strip()
        head = (git / "HEAD").read_text(encoding="utf-8").strip()
        if not head.startswith("ref: "):
            return head if COMMIT.fullmatch(head) else ""
        name = head.removeprefix("ref: ")
        common = git / "commondir"
        if common.is_file():
            git = git / common.read_text(encoding="utf-8").strip()
        if (git / name).is_file():
            found = (git / name).read_text(encoding="utf-8").strip()
        else:
            packed = (git / "packed-refs").read_text(encoding="utf-8").splitlines()
            found = next((line.split()[0] for line in packed if line.endswith(f" {name}")), "")
        return found if COMMIT.fullmatch(found) else ""
    except (OSError, UnicodeDecodeError):
        return ""

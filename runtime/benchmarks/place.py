"""Where a benchmark works: a data directory, a workspace and a database of its own, gone afterwards.

The directory lies in the installation's data directory, so that the disk is the one that counts. Settings
belong to a process, so the benchmark is a process of its own that is given this environment.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from harness_site import databases

MARK = "benchmark"  #: an empty file that says: this data directory is a benchmark's own
KEPT = ("HARNESS_MODEL_BASE_URL", "HARNESS_MODEL", "HARNESS_MODEL_API_KEY")  # what local_model measures


def is_own(directory: Path) -> bool:
    """Whether a benchmark may do in this data directory what it likes."""
    return (directory / MARK).exists()


@contextmanager
def made(beside: Path, environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The environment of a process in a place of its own, below the data directory `beside`."""
    directory = Path(tempfile.mkdtemp(prefix="benchmark-", dir=beside))
    try:
        directory.chmod(0o711)  # as every data directory: a sandbox must be able to pass
        (directory / MARK).touch()
        (directory / "workspace").mkdir()
        env = {
            name: value for name, value in environ.items() if not name.startswith("HARNESS_") or name in KEPT
        }
        env.pop("REDIS_URL", None)  # its queue has one name for all
        env["HARNESS_DATA_DIR"] = str(directory)
        env["HARNESS_WORKSPACE"] = str(directory / "workspace")
        url = environ.get("DATABASE_URL", "").strip()
        if not url:
            yield env
            return
        with databases.temporary(url) as own:
            yield {**env, "DATABASE_URL": own}
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def configure(directory: Path, documents: Mapping[str, str]) -> None:
    """Writes the workspace of this place: file name → YAML below the common head; the kind is the file's."""
    for name, body in documents.items():
        kind = name.removesuffix(".yaml").capitalize()
        text = f"apiVersion: agent-harness/v1alpha1\nkind: {kind}\nmetadata:\n  name: benchmark\n{body}"
        (directory / "workspace" / name).write_text(text, encoding="utf-8")


def environment() -> dict[str, str]:
    """Of the processes that a benchmark starts."""
    return {"MALLOC_ARENA_MAX": "2", **os.environ, "PYTHONUNBUFFERED": "1"}

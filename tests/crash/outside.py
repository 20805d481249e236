"""What goes on beside the product: people with a browser, a foreign writer, a disk that fills up."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psycopg
import pysqlite3

from tests.crash.place import Place

TABLES = "runs, threads, approvals, events, workers, runtime_metadata"


@contextmanager
def browser(place: Place) -> Iterator[httpx.Client]:
    """A signed-in administrator; forms need `token`."""
    place.command("createsuperuser", "--noinput", "--username", "anna", "--email", "anna@example.org")
    link = urlsplit(place.command("sign_in_link", "--user", "anna")).path
    url = f"http://127.0.0.1:{place.fleet.port}"
    with httpx.Client(base_url=url, headers={"Origin": url}, timeout=30) as client:
        assert client.post(link, data={"csrfmiddlewaretoken": token(client, link)}).status_code == 302
        yield client


def token(client: httpx.Client, page: str) -> str:
    """What a form of this page has to send along."""
    return client.get(page).text.split('name="csrfmiddlewaretoken" value="', 1)[1].split('"', 1)[0]


@contextmanager
def foreign_writer(place: Place) -> Iterator[None]:
    """Somebody else writes to the records for the length of the block, and nobody besides."""
    url = place.env.get("DATABASE_URL")
    if url:
        with psycopg.connect(url) as server:
            server.execute(f"LOCK TABLE {TABLES} IN EXCLUSIVE MODE")
            yield
            server.rollback()
    else:
        file = pysqlite3.connect(place.data_dir / "runtime.sqlite", isolation_level=None)
        try:
            file.execute("BEGIN IMMEDIATE")
            yield
            file.execute("ROLLBACK")
        finally:
            file.close()


@contextmanager
def small_disk(directory: Path, mebibytes: int) -> Iterator[Path]:
    """A disk of that size, in memory, mounted at the directory. It takes root."""
    directory.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=0711", "tmpfs", str(directory)]
    done = subprocess.run(mount, capture_output=True, text=True)
    assert done.returncode == 0, f"this test mounts a small disk, as root: {done.stderr}"
    try:
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


def fill(directory: Path) -> Path:
    """Writes until nothing more fits; gives the file that is to blame."""
    ballast = directory / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (1024 * 1024, 4096):
            try:
                while file.write(b"\0" * size) == size:
                    pass
            except OSError:
                continue
    return ballast

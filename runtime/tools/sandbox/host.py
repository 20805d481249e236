"""What the machine offers: the programs that make a sandbox, and what a command may see of its files."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from runtime.tools.sandbox import seccomp

#: Not the worker's own PATH: only root may put programs here.
SEARCHED = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"
PACKAGES = {"bwrap": "bubblewrap", "setpriv": "util-linux", "prlimit": "util-linux", "unshare": "util-linux"}
PROJECT = Path(__file__).resolve().parents[3]
_TOP = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_ETC = ("alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "mime.types")


class Unavailable(Exception):
    """There is no sandbox on this machine; `str()` is a sentence that says what is missing."""


@dataclass(frozen=True, slots=True)
class Host:
    """Absolute paths. `top`: bin, lib and the like, each with its link's target, "" for a real folder.

    `etc`: what is shown of /etc. `hidden`: folders below /usr that are not shown.
    """

    bwrap: str
    setpriv: str
    prlimit: str
    unshare: str
    processor: str
    top: tuple[tuple[str, str], ...]
    etc: tuple[str, ...]
    hidden: tuple[str, ...]


@cache
def look() -> Host:
    """The machine as it is; raises Unavailable."""
    processor = platform.machine()
    if sys.platform != "linux":
        raise Unavailable("The sandbox needs Linux.")
    if processor not in seccomp.PROCESSORS:
        raise Unavailable(f"There is no system call filter for the processor {processor}.")
    found = {name: shutil.which(name, path=SEARCHED) for name in PACKAGES}
    for name, path in found.items():
        if path is None:
            raise Unavailable(
                f"The program {name} is missing; install the package {PACKAGES[name]} "
                f"(for example: apt-get install {PACKAGES[name]}) and start the worker again."
            )
    programs = {name: path for name, path in found.items() if path}
    return Host(
        **programs,
        processor=processor,
        top=tuple(_top()),
        etc=tuple(f"/etc/{name}" for name in _ETC if os.path.exists(f"/etc/{name}")),
        hidden=private_places(),
    )


def _top() -> list[tuple[str, str]]:
    found = []
    for name in _TOP:
        path = Path("/", name)
        if path.is_symlink():
            found.append((name, os.readlink(path)))
        elif path.is_dir():
            found.append((name, ""))
    return found


def private_places(*more: Path) -> tuple[str, ...]:
    """Places of the product and of its user that lie below /usr, which is shown: they are covered."""
    named = (os.environ.get(name, "") for name in ("HOME", "HARNESS_DATA_DIR", "HARNESS_WORKSPACE"))
    places = [PROJECT, *more, *(Path(name) for name in named if name.startswith("/"))]
    below = {path.resolve() for path in places if path.resolve().is_relative_to("/usr")}
    return tuple(sorted(str(path) for path in below if path != Path("/usr") and path.is_dir()))

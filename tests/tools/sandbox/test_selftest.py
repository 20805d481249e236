"""Every attack is held off, and the self-test is no yes-man: it notices each wall that is missing."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable

import pytest

from runtime.tools.sandbox import host as machine
from runtime.tools.sandbox import selftest
from runtime.tools.sandbox.attacks.__main__ import ATTACKS
from runtime.tools.sandbox.attacks.burdens import ALONE
from tests.tools.sandbox.conftest import ORDINARY_USER, Weaker, as_ordinary_user

NO_FILTER = (r"--seccomp\0\d+\0", "")
SHARED_NETWORK = (r"--unshare-all\0", "--unshare-all\0--share-net\0")
FOREIGN_FOLDER = (r"--ro-bind\0/usr\0/usr\0", "--ro-bind\0/usr\0/usr\0--ro-bind\0/var/tmp\0/var/tmp\0")
SEEN_PROCESSES = (r"--unshare-all\0", "--unshare-ipc\0--unshare-net\0--unshare-uts\0")
NOT_FIRST = (r"--as-pid-1\0", "")

#: A hole → the attacks that must find it.
HOLES: dict[str, tuple[Callable[[Weaker], machine.Host], set[str]]] = {
    "no filter": (
        lambda weaker: weaker.bwrap(NO_FILTER),
        {
            *("setuid_files", "sockets", "unix_sockets", "tracing", "first_process", "leash"),
            *("namespaces", "mounts", "keys", "privileged", "other_numbers", "hidden_memory"),
            "buffers",
        },
    ),
    "the host's network": (
        lambda weaker: weaker.bwrap(SHARED_NETWORK, NO_FILTER),
        {"loopback", "abstract_sockets", "unix_sockets", "sockets"},
    ),
    "the host's processes": (
        lambda weaker: weaker.bwrap(SEEN_PROCESSES, NOT_FIRST),
        {"other_processes", "orphans", "first_process"},
    ),
    "bwrap's own first process": (lambda weaker: weaker.bwrap(NOT_FIRST), {"first_process"}),
    "a foreign folder": (lambda weaker: weaker.bwrap(FOREIGN_FOLDER), {"foreign_files", "links_out"}),
    "a writable root": (
        lambda weaker: weaker.bwrap((r"--remount-ro\0/\0", "")),
        {"writes_outside"},
    ),
    "a variable": (
        lambda weaker: weaker.bwrap((r"--clearenv\0", "--clearenv\0--setenv\0API_KEY\0secret\0")),
        {"environment"},
    ),
    "root inside": (
        lambda weaker: weaker.bwrap((r"--unshare-user\0", "--unshare-user\0--uid\x000\0--gid\x000\0")),
        {"privileges"},
    ),
    "an open folder": (lambda weaker: weaker.bwrap(left_open="/"), {"descriptors"}),
    "no limits of a process": (lambda weaker: weaker.prlimit(), {"open_files", "file_size"}),
    "many processes": (lambda weaker: weaker.bwrap((r"\0sh\x0032\0", "\0sh\x00100\0")), {"forks"}),
    "much temporary space": (
        lambda weaker: weaker.bwrap((r"--size\0\d+\0--tmpfs\0/dev/shm", "--tmpfs\0/dev/shm")),
        {"temporary"},
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_it_holds_off(shell: None, attack: str) -> None:
    assert selftest.try_some(machine.look(), [attack]) == [selftest.Finding(attack, ())]


@pytest.mark.parametrize("hole", HOLES)
def test_it_notices_a_missing_wall(weaker: Weaker, hole: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/var/tmp")  # the scene lies there: /tmp is the sandbox's own
    weaken, finders = HOLES[hole]
    host = weaken(weaker)
    findings = [finding for name in finders for finding in selftest.try_some(host, [name])]
    assert [finding.attack for finding in findings if not finding.managed] == []


def test_it_holds_off_everything_for_an_ordinary_user(shell: None) -> None:
    """Root's tests above take a uid of the sandbox's own; here it keeps the worker's."""
    host = machine.look()
    groups = [[name for name in ATTACKS if name not in ALONE], *([name] for name in ALONE)]
    with selftest.scene() as folder:
        if os.geteuid() == 0:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, ORDINARY_USER, ORDINARY_USER)
        printed = as_ordinary_user(lambda: repr([selftest.attack(host, names, folder) for names in groups]))
    assert printed == repr([[selftest.Finding(name, ()) for name in names] for names in groups])


def test_it_leaves_nothing_of_the_test_behind(weaker: Weaker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(weaker.folder))
    selftest.try_all(machine.look())
    assert list(weaker.folder.iterdir()) == []

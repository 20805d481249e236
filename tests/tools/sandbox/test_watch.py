"""Memory that the kernel holds for a command, and no process: what is counted, and whom it ends."""

from __future__ import annotations

import pytest

from runtime.tools.sandbox import Limits, watch
from runtime.tools.sandbox.limits import MIB
from tests.tools.sandbox.conftest import Box

PYTHON = "exec python3 -S -E -c "
#: Fills pairs of sockets as they come, with some 200 KB each: 150 MB that no process holds, then waits.
FILL = f"""{PYTHON} '
import socket, time
pairs = []
for _ in range(360):
    pairs.append(socket.socketpair())
    for one in pairs[-1]:
        one.setblocking(False)
        try:
            while one.send(bytes(2048)): pass
        except BlockingIOError: pass
time.sleep(1.5)
'"""


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose memory counts as short: less than all of it can be had."""
    monkeypatch.setattr(watch, "SHORT", 1)


def test_it_ends_a_command_for_which_the_kernel_takes_more_than_the_limit(box: Box, short: None) -> None:
    small = Limits(seconds=20.0, memory=64 * MIB, open_files=1024)  # and fewer sockets than are counted
    assert box.run(FILL, small).stopped == (
        "memory is short and the kernel's own grew by more than 64 MiB while it ran"
    )


def test_it_blames_no_command_for_what_other_processes_take(box: Box, short: None) -> None:
    held: list[bytearray] = []

    def take_some() -> bool:
        if len(held) < 12:
            held.append(bytearray(b"x") * (16 * MIB))
        return False

    assert box.run("sleep 1.5", Limits(memory=128 * MIB), cancelled=take_some).stopped == ""
    assert len(held) == 12


def test_it_ends_a_command_that_opens_many_sockets(box: Box) -> None:
    few = Limits(seconds=20.0, sockets=100)
    pairs = f"{PYTHON} 'import socket, time; x = [socket.socketpair() for _ in range(51)]; time.sleep(2)'"
    assert box.run(pairs, few).stopped == "its processes together opened more than 100 sockets"
    assert box.run(pairs.replace("51", "50"), few).stopped == ""

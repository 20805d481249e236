"""The filter as a program: run by a small machine for classic BPF, on both processors."""

from __future__ import annotations

import errno
import struct
from typing import Any

import pytest

from runtime.tools.sandbox import seccomp
from runtime.tools.sandbox.syscalls import ABSENT, CHECKED, LAST, REFUSED

X86, ARM = "x86_64", "aarch64"
BOTH = (X86, ARM)
I386, ARM32 = 0x40000003, 0x40000028


def decide(processor: str, number: int, *arguments: int, audit: int | None = None) -> int | str:
    """What the filter does with a call: "allow", "kill" or the number of the error."""
    code = list(struct.iter_unpack("=HBBI", seccomp.program(processor)))
    architecture = seccomp.PROCESSORS[processor][0] if audit is None else audit
    padded = [argument & (1 << 64) - 1 for argument in (*arguments, *[0] * (6 - len(arguments)))]
    data = struct.pack("=IIQ6Q", number, architecture, 0, *padded)
    held = at = 0
    while True:
        operation, if_true, if_false, value = code[at]
        at += 1
        match operation:
            case 0x20:
                (held,) = struct.unpack_from("=I", data, value)
            case 0x15:
                at += if_true if held == value else if_false
            case 0x35:
                at += if_true if held >= value else if_false
            case 0x45:
                at += if_true if held & value else if_false
            case 0x06:
                return {seccomp.ALLOW: "allow", seccomp.KILL: "kill"}.get(value) or int(value & 0xFFFF)
            case _:
                raise AssertionError(f"an operation that no filter has: {operation:#x}")


def number(name: str, processor: str) -> int:
    """A named call's number."""
    found = (ABSENT | REFUSED | CHECKED)[name][BOTH.index(processor)]
    assert found is not None
    return found


@pytest.mark.parametrize("processor", BOTH)
def test_it_lets_ordinary_calls_pass(processor: str) -> None:
    ordinary = {X86: (0, 1, 3, 9, 39, 57, 59, 61, 231), ARM: (63, 64, 57, 222, 172, 221, 260, 94)}
    assert {decide(processor, call) for call in ordinary[processor]} == {"allow"}


@pytest.mark.parametrize("processor", BOTH)
@pytest.mark.parametrize(("table", "error"), [(ABSENT, errno.ENOSYS), (REFUSED, errno.EPERM)])
def test_it_refuses_every_call_of_its_tables(processor: str, table: dict[str, Any], error: int) -> None:
    for name, numbers in table.items():
        call = numbers[BOTH.index(processor)]
        assert call is None or decide(processor, call) == error, name


@pytest.mark.parametrize("processor", BOTH)
def test_it_refuses_what_it_was_not_written_for(processor: str) -> None:
    assert decide(processor, LAST) == "allow"
    for call in (LAST + 1, 452, 600, 0x40000000 + 39, 0xFFFFFFFF):
        assert decide(processor, call) == errno.ENOSYS
    for other in (I386, ARM32, 0):
        assert decide(processor, 1, audit=other) == "kill"


def test_it_has_each_number_once() -> None:
    for column in range(2):
        known = [numbers[column] for table in (ABSENT, REFUSED, CHECKED) for numbers in table.values()]
        present = [number for number in known if number is not None]
        assert len(present) == len(set(present))
        assert max(present) <= LAST


HIGH = 1 << 32  # the kernel does not look at the upper half of these arguments, nor may the filter
PLAIN_CLONE, NEW_USER, NEW_MOUNT = 0x1200011, 0x10000000, 0x20000


@pytest.mark.parametrize("processor", BOTH)
@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("clone", (PLAIN_CLONE,), "allow"),
        ("clone", (NEW_USER | 17,), errno.EPERM),
        ("clone", (NEW_MOUNT | HIGH,), errno.EPERM),
        ("socketpair", (1, 1, 0), "allow"),
        ("socketpair", (1 | HIGH, 1, 0), "allow"),
        ("socketpair", (2, 1, 0), errno.EAFNOSUPPORT),
        ("setsockopt", (3, 1, 7), 0),
        ("setsockopt", (3, 1, 8 | HIGH), 0),
        ("setsockopt", (3, 1, 32), errno.EPERM),
        ("setsockopt", (3, 1, 33), errno.EPERM),
        ("setsockopt", (3, 1, 26), errno.EPERM),
        ("fcntl", (3, 1032), "allow"),
        ("fcntl", (3, 1031), errno.EPERM),
        ("fcntl", (3, 1031 | HIGH), errno.EPERM),
        ("personality", (0xFFFFFFFF,), "allow"),
        ("personality", (0,), "allow"),
        ("personality", (0x40000,), errno.EPERM),
        ("prctl", (15,), "allow"),
        ("prctl", (1, 0), errno.EPERM),
        ("prctl", (1 | HIGH, 0), errno.EPERM),
        ("ioctl", (0, 0x5401), "allow"),
        ("ioctl", (0, 0x5412), errno.EPERM),
        ("ioctl", (0, 0x5412 | HIGH), errno.EPERM),
        ("ioctl", (0, 0x541C), errno.EPERM),
        ("fchmod", (3, 0o755), "allow"),
        ("fchmod", (3, 0o4755), errno.EPERM),
        ("fchmodat", (-100, 0, 0o1777), "allow"),
        ("fchmodat", (-100, 0, 0o2755), errno.EPERM),
        ("mknodat", (-100, 0, 0o100644), "allow"),
        ("mknodat", (-100, 0, 0o104755), errno.EPERM),
        ("openat", (-100, 0, 0, 0o4755), "allow"),  # nothing is made: the mode is whatever lay there
        ("openat", (-100, 0, 0o101, 0o644), "allow"),
        ("openat", (-100, 0, 0o101, 0o4755), errno.EPERM),
        ("openat", (-100, 0, 0o20000001, 0o6755), errno.EPERM),
    ],
)
def test_it_looks_at_arguments(
    processor: str, name: str, arguments: tuple[int, ...], expected: int | str
) -> None:
    assert decide(processor, number(name, processor), *arguments) == expected


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("chmod", (0, 0o755), "allow"),
        ("chmod", (0, 0o4755), errno.EPERM),
        ("creat", (0, 0o644), "allow"),
        ("creat", (0, 0o2644), errno.EPERM),
        ("mknod", (0, 0o104644), errno.EPERM),
        ("open", (0, 0, 0o4755), "allow"),
        ("open", (0, 0o101, 0o4755), errno.EPERM),
    ],
)
def test_it_looks_at_arguments_of_old_calls(
    name: str, arguments: tuple[int, ...], expected: int | str
) -> None:
    assert decide(X86, number(name, X86), *arguments) == expected


def test_it_knows_two_processors() -> None:
    with pytest.raises(KeyError):
        seccomp.program("riscv64")
    assert all(len(seccomp.program(processor)) < 4096 * 8 for processor in BOTH)

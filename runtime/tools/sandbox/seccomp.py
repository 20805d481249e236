"""The system call filter: a classic BPF program, assembled by hand (man 2 seccomp).

The namespaces and the lack of every capability already keep a command in. The filter takes away what they
leave: sockets, setuid files, looking into other processes, memory that nobody is charged for, and the parts
of the kernel in which most ways out were found.
"""

from __future__ import annotations

import errno
import struct

from runtime.tools.sandbox.syscalls import ABSENT, CHECKED, LAST, REFUSED

#: What a processor's calls are known by, and the column of its numbers.
PROCESSORS = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}

ALLOW = 0x7FFF0000
KILL = 0x80000000
_ERRNO = 0x00050000

_LOAD, _EQUAL, _ABOVE, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _PROCESSOR = 0, 4  # offsets into struct seccomp_data; the arguments follow at 16

_NAMESPACES = 0x7E020000  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
_SETUID_BITS = 0o6000
_MAKES_A_FILE = 0o100 | 0o20000000  # O_CREAT, __O_TMPFILE: only then is there a mode
_AF_UNIX = 1
_TERMINAL_INPUT = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX: typing into somebody's terminal
_BUFFERS = (7, 8)  # SO_SNDBUF, SO_RCVBUF
_PIPE_SIZE = (1031,)  # F_SETPIPE_SZ
_PARENT_DEATH = (1,)  # PR_SET_PDEATHSIG: the leash on which the sandbox dies with its worker

Instruction = tuple[int, int, int, int]  # code, jump if true, jump if not, value


def program(processor: str) -> bytes:
    """The filter for `platform.machine()`, as an array of `struct sock_filter`; KeyError for one unknown."""
    audit, column = PROCESSORS[processor]
    code: list[Instruction] = [
        (_LOAD, 0, 0, _PROCESSOR),
        (_EQUAL, 1, 0, audit),
        _give(KILL),  # 32-bit programs: other numbers, other arguments
        (_LOAD, 0, 0, _NUMBER),
        (_ABOVE, 0, 1, LAST + 1),  # the x32 numbers, too
        _refuse(errno.ENOSYS),
    ]
    for calls, number in ((ABSENT, errno.ENOSYS), (REFUSED, errno.EPERM)):
        for numbers in calls.values():
            code += _when(numbers[column], [_refuse(number)])
    for name, numbers in CHECKED.items():
        code += _when(numbers[column], _CHECKS[name])
    code.append(_give(ALLOW))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)


def _argument(index: int) -> Instruction:
    """Loads the lower half: all that the kernel looks at in flags, modes and commands."""
    return (_LOAD, 0, 0, 16 + 8 * index)


def _give(action: int) -> Instruction:
    return (_RETURN, 0, 0, action)


def _refuse(number: int) -> Instruction:
    return _give(_ERRNO | number)


def _when(number: int | None, block: list[Instruction]) -> list[Instruction]:
    """The block for this call alone. A block always ends in a return: it has loaded something else."""
    return [(_EQUAL, 0, len(block), number), *block] if number is not None else []


def _without_bits(index: int, bits: int) -> list[Instruction]:
    return [_argument(index), (_ANY_BIT, 0, 1, bits), _refuse(errno.EPERM), _give(ALLOW)]


def _not_one_of(index: int, values: tuple[int, ...]) -> list[Instruction]:
    block = [_argument(index)]
    for value in values:
        block += [(_EQUAL, 0, 1, value), _refuse(errno.EPERM)]
    return [*block, _give(ALLOW)]


def _only_one_of(index: int, values: tuple[int, ...], number: int = errno.EPERM) -> list[Instruction]:
    block = [_argument(index)]
    for value in values:
        block += [(_EQUAL, 0, 1, value), _give(ALLOW)]
    return [*block, _refuse(number)]


def _as_if(index: int, values: tuple[int, ...]) -> list[Instruction]:
    """Says of these that they were done, and does not do them; all others are refused."""
    block = [_argument(index)]
    for value in values:
        block += [(_EQUAL, 0, 1, value), _refuse(0)]
    return [*block, _refuse(errno.EPERM)]


def _opening(flags: int) -> list[Instruction]:
    makes = [_argument(flags), (_ANY_BIT, 1, 0, _MAKES_A_FILE), _give(ALLOW)]
    return [*makes, *_without_bits(flags + 1, _SETUID_BITS)]


_CHECKS: dict[str, list[Instruction]] = {
    "clone": _without_bits(0, _NAMESPACES),
    "socketpair": _only_one_of(0, (_AF_UNIX,), errno.EAFNOSUPPORT),
    # A socket's buffers stay as they are. A kernel takes these sizes as a wish, and some programs (trio) end
    # when it is refused. No other option is needed between the two ends of a pair.
    "setsockopt": _as_if(2, _BUFFERS),
    "fcntl": _not_one_of(1, _PIPE_SIZE),
    "personality": _only_one_of(0, (0, 0xFFFFFFFF)),
    "prctl": _not_one_of(0, _PARENT_DEATH),
    "ioctl": _not_one_of(1, _TERMINAL_INPUT),
    "chmod": _without_bits(1, _SETUID_BITS),
    "fchmod": _without_bits(1, _SETUID_BITS),
    "fchmodat": _without_bits(2, _SETUID_BITS),
    "mknod": _without_bits(1, _SETUID_BITS),
    "mknodat": _without_bits(2, _SETUID_BITS),
    "creat": _without_bits(1, _SETUID_BITS),
    "open": _opening(1),
    "openat": _opening(2),
}

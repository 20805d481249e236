"""Attacks on the kernel: the parts of it that a command never needs. Standard library only."""

from __future__ import annotations

from collections.abc import Iterator

from runtime.tools.sandbox.attacks.common import Attack, Facts, calls

NAMESPACES = {
    **{"mount": 0x20000, "cgroup": 0x2000000, "uts": 0x4000000, "ipc": 0x8000000},
    **{"user": 0x10000000, "pid": 0x20000000, "net": 0x40000000, "time": 0x80},
}
X32 = 0x40000000


def namespaces(_: Facts) -> Iterator[str]:
    """A namespace of one's own, in which one is root and more of the kernel answers."""
    for name, flag in NAMESPACES.items():
        yield from calls([(f"unshare {name}", 272, 97, (flag,))])
        if flag > 0xFF:  # the lowest byte is the signal at the end
            yield from calls([(f"clone {name}", 56, 220, (flag | 17, 0, 0, 0, 0))])
    yield from calls(
        [
            ("clone3", 435, 435, (0, 0)),
            ("setns", 308, 268, (0, 0)),
            ("chroot", 161, 51, (b"/thread",)),
            ("pivot_root", 155, 41, (b"/thread", b"/thread")),
        ]
    )


def mounts(_: Facts) -> Iterator[str]:
    """Another view of the file system."""
    yield from calls(
        [
            ("mount", 165, 40, (b"none", b"/thread", b"tmpfs", 0, 0)),
            ("mount bind", 165, 40, (b"/usr", b"/thread", 0, 4096, 0)),
            ("mount writable", 165, 40, (b"none", b"/usr", 0, 32 | 4096, 0)),
            ("umount2", 166, 39, (b"/thread", 2)),
            ("fsopen", 430, 430, (b"tmpfs", 0)),
            ("fsmount", 432, 432, (-1, 0, 0)),
            ("fsconfig", 431, 431, (-1, 0, 0, 0, 0)),
            ("fspick", 433, 433, (-100, b"/", 0)),
            ("open_tree", 428, 428, (-100, b"/", 1)),
            ("move_mount", 429, 429, (-100, b"/usr", -100, b"/thread", 0)),
            ("mount_setattr", 442, 442, (-100, b"/", 0, 0, 0)),
            ("open_by_handle_at", 304, 265, (-100, b"", 0)),
            ("name_to_handle_at", 303, 264, (-100, b"/", 0, 0, 0)),
        ]
    )


def keys(_: Facts) -> Iterator[str]:
    """The kernel's keyrings, which are shared beyond the sandbox."""
    yield from calls(
        [
            ("keyctl", 250, 219, (0, -4, 1)),
            ("add_key", 248, 217, (b"user", b"harness", b"x", 1, -4)),
            ("request_key", 249, 218, (b"user", b"harness", 0, -4)),
        ]
    )


def io_uring(_: Facts) -> Iterator[str]:
    """Doing what a filter refuses, past the filter."""
    yield from calls(
        [
            ("io_uring_setup", 425, 425, (1, bytes(120))),
            ("io_uring_enter", 426, 426, (-1, 0, 0, 0, 0)),
            ("io_uring_register", 427, 427, (-1, 0, 0, 0)),
        ]
    )


def userfaultfd(_: Facts) -> Iterator[str]:
    """Holding the kernel still in the middle of something."""
    yield from calls([("userfaultfd", 323, 282, (1,))])


def privileged(_: Facts) -> Iterator[str]:
    """What is root's, and what found its way out often enough."""
    yield from calls(
        [
            ("bpf", 321, 280, (0, 0, 0)),
            ("perf_event_open", 298, 241, (0, 0, -1, -1, 0)),
            ("init_module", 175, 105, (0, 0, b"")),
            ("finit_module", 313, 273, (-1, b"", 0)),
            ("kexec_load", 246, 104, (0, 0, 0, 0)),
            ("syslog", 103, 116, (3, 0, 0)),
            ("reboot", 169, 142, (0, 0, 0, 0)),
            ("swapoff", 168, 225, (b"/nothing",)),
            ("acct", 163, 89, (b"/nothing",)),
            ("settimeofday", 164, 170, (0, 0)),
            ("clock_settime", 227, 112, (0, 0)),
            ("sethostname", 170, 161, (b"x", 1)),
            ("fanotify_init", 300, 262, (0, 0)),
            ("quotactl", 179, 60, (0, 0, 0, 0)),
            ("personality", 135, 92, (0x0040000,)),
            ("move_pages", 279, 239, (0, 0, 0, 0, 0, 0)),
        ]
    )


def other_numbers(_: Facts) -> Iterator[str]:
    """Calls of another architecture's numbering, calls that the filter was not written for."""
    yield from calls(
        [
            ("getpid of x32", X32 + 39, X32 + 172, ()),
            ("openat2", 437, 437, (-100, b"x", 0, 0)),
            ("fchmodat2", 452, 452, (-100, b"nothing", 0o4755, 0)),
            ("a call of tomorrow", 600, 600, ()),
        ]
    )


def hidden_memory(_: Facts) -> Iterator[str]:
    """Memory that no process seems to hold."""
    yield from calls(
        [
            ("memfd_create", 319, 279, (b"x", 0)),
            ("memfd_secret", 447, 447, (0,)),
            ("shmget", 29, 194, (0, 4096, 0o1600)),
            ("msgget", 68, 186, (0, 0o1600)),
            ("semget", 64, 190, (0, 1, 0o1600)),
            ("vmsplice", 278, 75, (-1, 0, 0, 0)),
            ("enlarge a socket's buffer by force", 54, 208, (-1, 1, 32, bytes(4), 4)),
        ]
    )


ATTACKS: dict[str, Attack] = {
    "namespaces": namespaces,
    "mounts": mounts,
    "keys": keys,
    "io_uring": io_uring,
    "userfaultfd": userfaultfd,
    "privileged": privileged,
    "other_numbers": other_numbers,
    "hidden_memory": hidden_memory,
}

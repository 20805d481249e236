"""Attacks on files: to read what is not the thread's, to write elsewhere, to leave something dangerous.

Standard library only.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from functools import partial

from runtime.tools.sandbox.attacks.common import Attack, Facts, managed, own_processes, read

ROOT = {"bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr", "etc", "dev", "proc", "tmp", "thread"}
ETC = {
    *(
        "passwd",
        "group",
        "alternatives",
        "ld.so.cache",
        "ld.so.conf",
        "ld.so.conf.d",
        "localtime",
        "mime.types",
    ),
}


def secrets(facts: Facts) -> Iterator[str]:
    """Keys, passwords and the worker's own files."""
    home = ("/root", "/home", os.path.dirname(facts.private))
    for path in (facts.private, "/etc/shadow", "/etc/gshadow", "/proc/kcore", "/dev/mem", "/run/secrets"):
        yield from managed(f"read {path}", partial(read, path))
    for folder in home:
        yield from managed(f"list {folder}", partial(os.listdir, folder))
    for pid in own_processes():
        for name in ("environ", "cmdline"):
            with suppress(OSError):
                if facts.secret.encode() in read(f"/proc/{pid}/{name}"):
                    yield f"find the secret in /proc/{pid}/{name}"


def foreign_files(facts: Facts) -> Iterator[str]:
    """Files that any user of the machine may read, and yet no command."""
    for path in (
        facts.readable,
        "/etc/hosts",
        "/etc/machine-id",
        "/etc/ssh/sshd_config",
        "/sys/kernel/notes",
    ):
        yield from managed(f"read {path}", partial(read, path))
    for name in set(os.listdir("/")) - ROOT:
        yield f"see /{name}"
    for name in set(os.listdir("/etc")) - ETC:
        yield f"see /etc/{name}"
    for folder in ("/sys", "/run", "/var", "/opt", "/srv", "/mnt", "/home"):
        yield from managed(f"list {folder}", partial(os.listdir, folder))


def writes_outside(_: Facts) -> Iterator[str]:
    """Writing anywhere but the working folder and the sandbox's own /tmp."""
    for folder in ("/", "/usr", "/usr/bin", "/usr/local", "/etc", "/dev", "/proc", "/home", "/var/tmp"):  # noqa: S108
        yield from managed(f"make a file in {folder}", partial(_make, f"{folder}/harness-attack"))
    for path in ("/usr/bin/env", "/etc/passwd", "/bin/sh", "/etc/ld.so.cache"):
        yield from managed(f"open {path} for writing", partial(_open, path, os.O_WRONLY))
    yield from managed("rename /usr/bin/env", partial(os.rename, "/usr/bin/env", "/usr/bin/harness-attack"))
    yield from managed("open /usr to everyone", partial(os.chmod, "/usr", 0o777))


def links_out(facts: Facts) -> Iterator[str]:
    """Ways round: links, and what /proc knows of roots and working folders."""
    with suppress(FileExistsError):
        os.symlink(facts.readable, "link-out")
    yield from managed("read through a symbolic link", partial(read, "link-out"))
    yield from managed("link a file of /usr", partial(os.link, "/usr/bin/env", "hard-link"))
    yield from managed("reach the parent's parent", partial(read, f"../..{facts.readable}"))
    for pid in own_processes():
        for link in ("root", "cwd", "root/..", "cwd/..", "map_files"):
            yield from managed(
                f"read through /proc/{pid}/{link}", partial(read, f"/proc/{pid}/{link}{facts.readable}")
            )


def descriptors(_: Facts) -> Iterator[str]:
    """Descriptors left open by the product: from that of a folder outside, any path can be reached."""
    for pid in own_processes():
        with suppress(OSError):
            for number in os.listdir(f"/proc/{pid}/fd"):
                with suppress(OSError):
                    target = os.readlink(f"/proc/{pid}/fd/{number}")
                    if int(number) > 2 and not target.startswith("/proc/"):
                        yield f"find {target} as descriptor {number} of process {pid}"
                    if target.startswith("socket:"):
                        yield f"find a socket in process {pid}"


def setuid_files(_: Facts) -> Iterator[str]:
    """A file that gives its owner's rights to whoever runs it, for use outside."""
    with open("plain", "w", encoding="ascii") as file:
        for what, mode in (("setuid", 0o4755), ("setgid", 0o2755)):
            yield from managed(f"make a file {what} by name", partial(os.chmod, "plain", mode))
            yield from managed(f"make a file {what} by descriptor", partial(os.fchmod, file.fileno(), mode))
    for name, flags in (("new", os.O_CREAT), (".", os.O_TMPFILE)):
        yield from managed(f"open {name} setuid", partial(_open, name, os.O_WRONLY | flags, 0o4755))
    yield from managed("make a setuid node", partial(os.mknod, "node", stat.S_IFREG | 0o4755))
    for name in os.listdir("."):
        if os.lstat(name).st_mode & (stat.S_ISUID | stat.S_ISGID):
            yield f"leave {name} with these bits"


def devices(_: Facts) -> Iterator[str]:
    """The machine behind the files."""
    for name in (
        "mem",
        "kmsg",
        "sda",
        "vda",
        "nvme0n1",
        "fuse",
        "kvm",
        "net/tun",
        "loop-control",
        "tty",
        "console",
    ):
        yield from managed(f"open /dev/{name}", partial(_open, f"/dev/{name}", os.O_RDONLY | os.O_NONBLOCK))
    for kind, number in ((stat.S_IFCHR, os.makedev(1, 1)), (stat.S_IFBLK, os.makedev(8, 0))):
        yield from managed("make a device", partial(os.mknod, f"device-{kind}", kind | 0o600, number))


def kernel_settings(_: Facts) -> Iterator[str]:
    """Settings of the kernel, and its emergency switch."""
    for path in (
        *("/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname"),
        *("/proc/sys/vm/drop_caches", "/proc/sys/net/ipv4/ip_forward", "/proc/sys/user/max_user_namespaces"),
        *("/proc/self/uid_map", "/proc/self/setgroups", "/sys/power/state"),
    ):
        yield from managed(f"write to {path}", partial(_write, path, b"1"))
    yield from managed("hide from the memory killer", partial(_write, "/proc/1/oom_score_adj", b"-500"))


def _make(path: str) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    os.unlink(path)


def _open(path: str, flags: int, mode: int = 0o600) -> None:
    os.close(os.open(path, flags, mode))


def _write(path: str, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, content)
    finally:
        os.close(descriptor)


ATTACKS: dict[str, Attack] = {
    "secrets": secrets,
    "foreign_files": foreign_files,
    "writes_outside": writes_outside,
    "links_out": links_out,
    "descriptors": descriptors,
    "setuid_files": setuid_files,
    "devices": devices,
    "kernel_settings": kernel_settings,
}

"""How the command line of a sandbox is made: pure, so that a test can read it.

    [unshare → sh (mounts)]  →  setpriv  →  prlimit  →  bwrap  →  sh (first process inside)  →  sh -c COMMAND

Each program turns into the next, so that bwrap is the worker's own child and dies with it. What none of them
may be left out for: setpriv takes the uid and the way back to privileges, prlimit the resources, bwrap all
that can be seen. The first process inside is our shell and not bwrap's: that one has no system call filter,
and a command could write into its memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from runtime.tools.sandbox.host import Host
from runtime.tools.sandbox.limits import Limits

INSIDE = "/thread"
PATH = "/usr/local/bin:/usr/bin:/bin"
NAME = "agent"
NOT_STARTED = 125  # the exit code of a sandbox that was never told to go

#: The first process inside: says that all is set, waits for the word, then runs the command ($2). It holds no
#: descriptor of ours, and when it ends the kernel ends all others. $1 is the number of processes.
FIRST_PROCESS = f"""\
echo 1000 >/proc/self/oom_score_adj
echo ready >&0
read -r go || exit {NOT_STARTED}
exec </dev/null
ulimit -p "$1" 2>/dev/null || ulimit -u "$1" || exit {NOT_STARTED}
unset PWD OLDPWD go
umask 022
/bin/sh -c "$2"
exit $?
"""

#: Where root's folders cannot be walked through by the sandbox's uid, root mounts the thread's folder within
#: reach, in a mount namespace of this command alone.
STAGE = "/mnt"
MOUNT = f"""mount --bind -- "$1" {STAGE} && shift && exec "$@" """


@dataclass(frozen=True, slots=True)
class Request:
    """One command. `uid`: the sandbox's own, None to keep the worker's. The descriptors are inherited."""

    command: str
    folder: str
    limits: Limits
    uid: int | None
    staged: bool
    filter_fd: int
    passwd_fd: int
    group_fd: int


def build(host: Host, request: Request) -> list[str]:
    """The whole command line."""
    return [
        *(_stage(host, request) if request.staged else ()),
        *_privileges(host, request),
        *_resources(host, request.limits),
        host.bwrap,
        *_namespaces(),
        *_view(host, request),
        *("--seccomp", str(request.filter_fd), "--"),
        *("/bin/sh", "-c", FIRST_PROCESS, "sh", str(request.limits.processes), request.command),
    ]


def _stage(host: Host, request: Request) -> Iterator[str]:
    yield from (host.unshare, "--mount", "--", "/bin/sh", "-c", MOUNT, "sh", request.folder)


def _privileges(host: Host, request: Request) -> Iterator[str]:
    yield from (host.setpriv, "--no-new-privs")
    if request.uid is not None:
        own = str(request.uid)
        yield from ("--reuid", own, "--regid", own, "--clear-groups")
        yield from ("--inh-caps", "-all", "--ambient-caps", "-all", "--bounding-set", "-all")
    yield "--"


def _resources(host: Host, limits: Limits) -> Iterator[str]:
    yield host.prlimit
    yield f"--cpu={ceil(limits.seconds) + 5}"
    # Private memory; addresses may be reserved beyond it, as interpreters with a garbage collector do.
    yield f"--data={limits.memory}"
    yield f"--as={4 * limits.memory}"
    yield f"--fsize={limits.file}"
    yield f"--nofile={limits.open_files}"
    yield "--core=0"
    yield "--memlock=65536"
    yield "--"


def _namespaces() -> Iterator[str]:
    yield from ("--unshare-all", "--unshare-user", "--disable-userns", "--cap-drop", "ALL")
    yield from ("--die-with-parent", "--new-session", "--as-pid-1")
    yield from ("--hostname", "sandbox", "--clearenv")
    yield from ("--setenv", "PATH", PATH, "--setenv", "HOME", INSIDE, "--setenv", "LANG", "C.UTF-8")


def _view(host: Host, request: Request) -> Iterator[str]:
    """What there is to see: programs, almost nothing of /etc, harmless devices, and one writable folder."""
    yield from ("--ro-bind", "/usr", "/usr")
    for place in host.hidden:
        yield from ("--tmpfs", place, "--remount-ro", place)
    for name, target in host.top:
        yield from ("--symlink", target, f"/{name}") if target else ("--ro-bind", f"/{name}", f"/{name}")
    yield from ("--perms", "0755", "--dir", "/etc")
    for path in host.etc:
        yield from ("--ro-bind", path, path)
    for descriptor, name in ((request.passwd_fd, "passwd"), (request.group_fd, "group")):
        yield from ("--perms", "0644", "--file", str(descriptor), f"/etc/{name}")
    yield from ("--proc", "/proc", "--dev", "/dev")
    for memory in ("/dev/shm", "/tmp"):  # noqa: S108
        yield from ("--size", str(request.limits.temporary), "--tmpfs", memory)
    yield from ("--bind", STAGE if request.staged else request.folder, INSIDE)
    yield from ("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", INSIDE)


def passwd(uid: int, gid: int) -> tuple[str, str]:
    """The texts of /etc/passwd and /etc/group inside: one account."""
    return f"{NAME}:x:{uid}:{gid}::{INSIDE}:/bin/sh\n", f"{NAME}:x:{gid}:\n"

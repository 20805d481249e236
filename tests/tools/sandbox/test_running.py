"""What a command finds inside, what it may use, and how it ends."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from runtime.tools.sandbox import CannotStart, Limits, host, launch, ownership, run
from runtime.tools.sandbox.limits import MIB
from tests.tools.sandbox.conftest import ORDINARY_USER, Box, Weaker, as_ordinary_user

SMALL = Limits(seconds=60.0, memory=128 * MIB, processes=32, file=4 * MIB, temporary=4 * MIB, output=MIB)
PYTHON = "exec python3 -S -E -c "


def alive(marker: str) -> list[int]:
    """Processes, seen from outside, whose command line holds the marker."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if any(marker in word for word in process.info["cmdline"] or ()):
            found.append(process.pid)
    return [pid for pid in found if pid != os.getpid()]


def test_it_shows_a_small_world(box: Box) -> None:
    assert box.says("pwd; echo $HOME; whoami") == "/thread\n/thread\nagent"
    names = set(box.says("env").replace("=", "\n").split("\n")[::2])
    assert names <= {"PATH", "HOME", "LANG", "PWD"}
    assert "etc" in box.says("ls /").split()
    assert box.says("python3 -c 'print(6 * 7)'") == "42"
    assert box.says("echo x | awk '{print $1 $1}'") == "xx"
    assert box.says("tty || true") == "not a tty"
    assert box.says("cat") == ""


def test_it_lets_processes_talk_through_sockets_and_pipes(box: Box) -> None:
    script = """
import asyncio, multiprocessing, socket
one, other = socket.socketpair()
one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)  # as trio does
other.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
async def work():
    child = await asyncio.create_subprocess_exec("echo", "heard", stdout=-1)
    print((await child.communicate())[0].decode().strip())
asyncio.run(work())
with multiprocessing.Pool(2) as pool:
    print(pool.map(abs, [-1, -2]))
"""
    assert box.says(f"{PYTHON} '{script}'") == "heard\n[1, 2]"


def test_it_keeps_what_is_written_to_the_folder_and_only_that(box: Box) -> None:
    box.says("mkdir -p a && echo one > a/b && echo two > /tmp/c")
    assert (box.folder / "a" / "b").read_text() == "one\n"
    assert box.says("cat a/b; ls /tmp") == "one"


@pytest.mark.parametrize(
    ("command", "code"),
    [("true", 0), ("exit 3", 3), ("kill -9 $$", 137), ("nonsense-program", 127), ("sleep 60 & exit 4", 4)],
)
def test_it_tells_the_exit_code(box: Box, command: str, code: int) -> None:
    outcome = box.run(command)
    assert (outcome.exit_code, outcome.stopped) == (code, "")


def test_it_keeps_the_order_of_both_outputs(box: Box) -> None:
    box.run("for i in 1 2 3; do echo out$i; echo err$i >&2; done")
    assert box.printed == b"out1\nerr1\nout2\nerr2\nout3\nerr3\n"


def test_it_gives_all_the_output_of_one_who_closes_it_early(box: Box) -> None:
    assert box.run("echo first; exec >&- 2>&-; sleep 0.2; exit 5").exit_code == 5
    assert box.printed == b"first\n"


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("sleep 60", "longer than 1 s"),
        ("trap '' TERM INT HUP; while :; do :; done", "longer than 1 s"),
        ("sleep 60 & sleep 60 & wait", "longer than 1 s"),
        ("(setsid sleep 60 &) ; setsid sleep 60", "longer than 1 s"),
    ],
)
def test_it_ends_a_command_when_its_time_is_over(box: Box, command: str, reason: str) -> None:
    outcome = box.run(f"{command} # time-{os.getpid()}", Limits(seconds=1.0))
    assert reason in outcome.stopped
    assert alive(f"time-{os.getpid()}") == []


def test_it_ends_a_command_that_is_cancelled(box: Box) -> None:
    began = time.monotonic()
    outcome = box.run("echo on; sleep 60", cancelled=lambda: time.monotonic() > began + 0.5)
    assert outcome.stopped.startswith("its worker was stopped")
    assert outcome.seconds < 30
    assert box.printed == b"on\n"


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("yes", "printed more than 1 MiB"),
        ("head -c 2000000 /dev/zero", "printed more than 1 MiB"),
        (
            f"{PYTHON} 'import os, time\nfor i in range(5): os.fork()\nx = b\"x\" * 2**24; time.sleep(60)'",
            "memory",
        ),
        ("i=0; while :; do i=$((i+1)); : > /tmp/$i; done", "files in /tmp"),
    ],
)
def test_it_ends_a_command_that_takes_too_much(box: Box, command: str, reason: str) -> None:
    small = Limits(seconds=60.0, memory=128 * MIB, output=MIB, temporary_entries=500)
    assert reason in box.run(command, small).stopped


@pytest.mark.parametrize(
    "command",
    [
        "dd if=/dev/zero of=large bs=1M count=16",
        "dd if=/dev/zero of=/tmp/large bs=1M count=16",
        f"{PYTHON} 'bytearray(2**30)'",
        f'{PYTHON} \'open("sparse", "wb").truncate(2**40)\'',
    ],
)
def test_it_refuses_more_than_the_limits(box: Box, command: str) -> None:
    assert box.run(command, SMALL).exit_code != 0


def test_it_survives_a_fork_bomb(box: Box) -> None:
    outcome = box.run("bomb() { bomb | bomb & }; bomb; sleep 1; echo still here", SMALL)
    assert outcome.stopped == ""
    assert b"still here" in box.printed


def test_it_ends_a_command_that_fills_the_folder(box: Box) -> None:
    much = Limits(folder=64 * MIB, file=MIB * 1024)
    outcome = box.run("i=0; while :; do i=$((i+1)); head -c 8000000 /dev/zero > $i; done", much)
    assert "working folder holds more than 64 MiB" in outcome.stopped
    many = Limits(folder_entries=500)
    script = 'import os\ni = 0\nwhile True: i += 1; os.mkdir(f"d{i}")'
    assert "more than 500 files" in box.run(f"{PYTHON} '{script}'", many).stopped


@pytest.mark.parametrize(
    ("levels", "reason"),
    [(70, "is nested more than 64 folders deep"), (60, "holds more than 16 MiB")],
)
def test_it_ends_a_command_that_hides_files_far_below(box: Box, levels: int, reason: str) -> None:
    small = Limits(seconds=20.0, folder=16 * MIB)
    down = f"i=0; while [ $i -lt {levels} ]; do i=$((i+1)); mkdir d; cd d; done"
    assert box.run(f"{down}; head -c 100000000 /dev/zero >a; sleep 2", small).stopped == (
        f"the working folder {reason}"
    )


def test_it_takes_the_disk_at_its_word_where_time_does_not_reach(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ownership, "MEASURE_SECONDS", -1.0)
    small = Limits(seconds=20.0, folder=16 * MIB)
    assert "holds more than 16 MiB" in box.run("head -c 100000000 /dev/zero >a; sleep 2", small).stopped


def test_it_works_where_others_can_walk_and_where_they_cannot(shell: None, weaker: Weaker) -> None:
    for name, mode in (("open", 0o711), ("closed", 0o700), ("-odd näme\n", 0o711)):
        parent = weaker.folder / name
        folder = parent / "files"
        folder.mkdir(parents=True)
        parent.chmod(mode)
        assert Box(folder).says("echo x > made; cat made; pwd") == "x\n/thread"
        assert (folder / "made").read_text() == "x\n"


def test_it_takes_over_a_folder_with_files_of_the_worker(box: Box) -> None:
    (box.folder / "a" / "b").mkdir(parents=True, mode=0o700)
    (box.folder / "a" / "b" / "mine").write_text("x")
    (box.folder / "a" / "b" / "mine").chmod(0o600)
    os.symlink("/etc/passwd", box.folder / "a" / "link")
    owner = os.stat("/etc/passwd").st_uid
    assert box.says("echo y >> a/b/mine; cat a/b/mine; touch a/new") == "xy"
    assert os.stat("/etc/passwd").st_uid == owner


def test_it_runs_several_at_once(box: Box) -> None:
    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(lambda index: Box(box.folder).says(f"echo {index}"), range(12)))
    assert outcomes == [str(index) for index in range(12)]


def test_it_says_what_the_programs_say_when_nothing_comes_up(weaker: Weaker, folder: Path) -> None:
    broken = weaker.bwrap((r"--proc\0/proc", "--nonsense"))
    with pytest.raises(CannotStart, match="nonsense"):
        run("true", folder, Limits(), collect=lambda _: None, on=broken)


def test_it_leaves_no_descriptor_and_no_process(box: Box) -> None:
    box.says("true")
    before = psutil.Process().num_fds()
    for _ in range(5):
        box.says("sleep 60 & true")
        with pytest.raises(CannotStart), launch.started(_broken(), "true", box.folder, Limits()):
            pass
    assert psutil.Process().num_fds() == before
    assert not any("bwrap" in child.name() for child in psutil.Process().children(recursive=True))


def _broken() -> host.Host:
    return replace(host.look(), prlimit="/bin/false")


def test_it_says_when_its_sandbox_was_ended_from_outside(box: Box) -> None:
    def end_it() -> bool:
        for child in psutil.Process().children():
            if child.name() == "bwrap":
                child.terminate()
        return False

    outcome = box.run("echo on; sleep 60", cancelled=end_it)
    assert outcome.stopped == "its sandbox was ended from outside, by signal 15"


def test_it_watches_and_ends_the_commands_of_an_ordinary_user(weaker: Weaker) -> None:
    folder = weaker.folder / "files"
    folder.mkdir()
    if os.geteuid() == 0:
        os.chown(folder, ORDINARY_USER, ORDINARY_USER)
    few = Limits(seconds=60.0, temporary_entries=500)
    files = "i=0; while :; do i=$((i+1)); : > /tmp/$i; done"
    assert "files in /tmp" in as_ordinary_user(lambda: Box(folder).run(files, few).stopped)
    ending = as_ordinary_user(lambda: Box(folder).run("sleep 60; :", Limits(seconds=0.5)).stopped)
    assert ending == "it took longer than 0.5 s"
    assert as_ordinary_user(lambda: Box(folder).says("echo x > a; id -u; cat a")).endswith("\nx")
    assert (folder / "a").stat().st_uid == (ORDINARY_USER if os.geteuid() == 0 else os.geteuid())

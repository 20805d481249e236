"""The bootstrap: real environments, filled from locks of a few packages without any index."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from harness_site import bootstrap
from harness_site.bootstrap import (
    POSTGRES_LOCK,
    REDIS_LOCK,
    RUNTIME_LOCK,
    TEST_LOCK,
    BootstrapError,
    Environment,
    explain,
    wanted_locks,
)

REPOSITORY = Path(__file__).resolve().parents[2]


def make_wheel(folder: Path, name: str) -> str:
    """A wheel with one module; its line for a lock file."""
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": "VALUE = 1\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record += f"{path},sha256={digest},{len(text)}\n"
    files[f"{info}/RECORD"] = record + f"{info}/RECORD,,\n"
    wheel = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return f"{name}==1.0 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the real manage.py and bootstrap, and locks of two made-up packages."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    site = tmp_path / "project" / "harness_site"
    site.mkdir(parents=True)
    first, second = make_wheel(wheels, "first_thing"), make_wheel(wheels, "second_thing")
    (site / RUNTIME_LOCK).write_text(first)
    (site / POSTGRES_LOCK).write_text(third := make_wheel(wheels, "third_thing"))
    (site / REDIS_LOCK).write_text(fourth := make_wheel(wheels, "fourth_thing"))
    (site / TEST_LOCK).write_text(first + second + third + fourth)
    (site / "__init__.py").write_text("")
    for name in ("bootstrap.py", "notices.py"):
        (site / name).write_text((REPOSITORY / "harness_site" / name).read_text())
    (site.parent / "manage.py").write_text(
        "import sys\n"
        "from harness_site import bootstrap\n"
        "bootstrap.enter(sys.argv)\n"
        "import first_thing\n"
        "print(sys.prefix, sys.argv[1:])\n"
    )
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    return site.parent


def manage(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=120, check=False)


def test_it_makes_and_enters_the_environment(project: Path) -> None:
    answer = manage(project, "hello", "--there")
    assert answer.stdout == f"{project / '.venv'} ['hello', '--there']\n"
    assert answer.stderr.splitlines()[:2] == [
        "Making the virtual environment .venv …",
        "Installing 1 packages from harness_site/requirements.lock …",
    ]

    again = manage(project, "hello")
    assert (again.returncode, again.stderr) == (0, "")

    # `test` wants more, once; what was there stays ready.
    assert "Installing 4 packages" in manage(project, "test").stderr
    assert Environment(project).is_ready(RUNTIME_LOCK, POSTGRES_LOCK, REDIS_LOCK, TEST_LOCK)


def test_it_installs_again_when_the_lock_changed_or_an_install_was_interrupted(project: Path) -> None:
    environment = Environment(project)
    manage(project, "hello")
    lock = project / "harness_site" / RUNTIME_LOCK
    lock.write_text(lock.read_text() + "# changed\n")
    assert not environment.is_ready(RUNTIME_LOCK)
    assert "Making" not in manage(project, "hello").stderr

    leftover = environment.folder / "leftover"
    leftover.touch()
    environment.unfinished.touch()
    assert "Making the virtual environment" in manage(project, "hello").stderr
    assert environment.is_ready(RUNTIME_LOCK)
    assert not leftover.exists()


def test_it_installs_an_extra_when_the_environment_asks_for_it(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manage(project, "hello")
    monkeypatch.setenv("DATABASE_URL", "postgresql://localhost/records")
    answer = manage(project, "hello")
    assert "Installing 1 packages from harness_site/requirements-postgres.lock" in answer.stderr
    assert "requirements.lock" not in answer.stderr
    assert Environment(project).is_ready(RUNTIME_LOCK, POSTGRES_LOCK)
    assert not Environment(project).is_ready(REDIS_LOCK)
    assert manage(project, "hello").stderr == ""


def test_it_knows_what_the_environment_asks_for() -> None:
    both = {"DATABASE_URL": "postgres://db/records", "REDIS_URL": "redis://db"}
    assert wanted_locks(["manage.py", "up"], {}) == (RUNTIME_LOCK,)
    assert wanted_locks(["manage.py", "up"], both) == (RUNTIME_LOCK, POSTGRES_LOCK, REDIS_LOCK)
    assert wanted_locks(["manage.py", "up"], {"DATABASE_URL": " ", "REDIS_URL": ""}) == (RUNTIME_LOCK,)
    assert wanted_locks(["manage.py", "test"], both) == (TEST_LOCK,)


def test_it_keeps_a_working_environment_when_more_cannot_be_fetched(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manage(project, "hello")
    monkeypatch.setenv("PIP_FIND_LINKS", str(project))
    failed = manage(project, "test")
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1].startswith("Could not fetch the dependencies:")
    assert "Traceback" not in failed.stderr
    assert manage(project, "hello").stdout.endswith("['hello']\n")


def test_it_refuses_a_package_with_another_hash(project: Path) -> None:
    lock = project / "harness_site" / RUNTIME_LOCK
    lock.write_text(f"first_thing==1.0 --hash=sha256:{'0' * 64}\n")
    failed = manage(project, "hello")
    assert failed.returncode == 1
    assert "does not match its hash" in failed.stderr.splitlines()[-1]
    assert not Environment(project).is_ready(RUNTIME_LOCK)


def test_it_waits_for_another_command_that_installs(project: Path) -> None:
    with open(project / ".venv.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        command = [sys.executable, "manage.py", "hello"]
        process = subprocess.Popen(
            command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stderr is not None
        assert process.stderr.readline() == "Another command is installing; waiting for it …\n"
        time.sleep(0.1)
        assert not (project / ".venv").exists()
    output, _ = process.communicate(timeout=120)
    assert output.endswith("['hello']\n")


def test_it_says_in_a_sentence_that_the_python_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "OLDEST", (4, 0))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(BootstrapError, match=r"^Python 3\.11 or newer is needed; this one is \d"):
        bootstrap.use_new_python()


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("WARNING: Retrying … NewConnectionError(…)\nERROR: no", "Could not fetch the dependencies: "),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "A downloaded package does not match its hash"),
        ("…\nERROR: No space left on device\n", "Could not install the dependencies: ERROR: No space left"),
        ("", "Could not install the dependencies: no reason given"),
    ],
)
def test_it_explains_what_pip_said(output: str, sentence: str) -> None:
    assert explain(output).startswith(sentence)


@pytest.mark.parametrize("name", [RUNTIME_LOCK, POSTGRES_LOCK, REDIS_LOCK, TEST_LOCK])
def test_its_locks_are_complete_and_name_no_place(name: str) -> None:
    text = (REPOSITORY / "harness_site" / name).read_text()
    blocks = [block for block in text.replace("\\\n", " ").splitlines() if "==" in block]
    assert all("--hash=sha256:" in block for block in blocks)
    assert not any(
        word in text for word in ("http:", "https:", "file:", "/tmp", "/home", "--index", "uv pip")
    )


@pytest.mark.parametrize("part", [RUNTIME_LOCK, POSTGRES_LOCK, REDIS_LOCK])
def test_its_test_lock_contains_the_others(part: str) -> None:
    def pins(name: str) -> set[str]:
        lines = (REPOSITORY / "harness_site" / name).read_text().splitlines()
        return {line.rstrip(" \\") for line in lines if "==" in line and not line.startswith(" ")}

    assert pins(part) < pins(TEST_LOCK)

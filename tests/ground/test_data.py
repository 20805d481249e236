"""The data directory: permissions, and one secret key for all."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from harness_site import data


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_makes_the_directory_for_walking_through_and_its_files_private(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "data"
    data.prepare(folder)
    data.prepare(folder)
    data.secret_key(folder)
    assert mode(folder) == 0o711
    names = {path.name: mode(path) for path in folder.iterdir()}
    assert names == {"runtime.sqlite": 0o600, "queue.sqlite": 0o600, "secret_key": 0o600}
    data.prepare(tmp_path / "other", ())
    assert list((tmp_path / "other").iterdir()) == []


def test_it_makes_one_key_when_several_start_at_once(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from harness_site import data; print(data.secret_key(Path(sys.argv[1])))"
    )
    command = [sys.executable, "-S", "-c", f"import sys; {code}", str(tmp_path / "data")]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    keys = {process.communicate(timeout=60)[0] for process in started}
    assert len(keys) == 1
    assert len(keys.pop()) > 50
    assert not list((tmp_path / "data").glob("secret_key.*"))


def test_it_refuses_a_key_that_is_too_short(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("secret\n")
    with pytest.raises(ValueError, match="has fewer than 50 characters"):
        data.secret_key(tmp_path)


def test_it_remembers_the_address(tmp_path: Path) -> None:
    assert data.address(tmp_path) == data.DEFAULT_ADDRESS
    data.set_address(tmp_path, "http://127.0.0.1:8123")
    assert data.address(tmp_path) == "http://127.0.0.1:8123"


def test_it_tightens_what_an_older_installation_left_open_and_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    data.prepare(folder)
    data.secret_key(folder)
    (folder / "runtime.sqlite-wal").touch(0o644)
    (folder / "notes.txt").touch(0o644)
    folder.chmod(0o755)
    (folder / "secret_key").chmod(0o640)
    said = data.tighten(folder)
    assert len(said) == 3
    assert f"{folder / 'secret_key'} was open to others (0640); it is 0600 now." in said
    assert f"{folder} was open to others (0755); it is 0711 now." in said
    assert mode(folder) == 0o711
    assert {path.name for path in folder.iterdir() if mode(path) & 0o077} <= {"notes.txt"}
    assert data.tighten(folder) == []


def test_it_leaves_what_is_tighter_and_what_a_link_points_to(tmp_path: Path) -> None:
    folder, other = tmp_path / "data", tmp_path / "other"
    data.prepare(folder)
    folder.chmod(0o700)
    other.touch(0o644)
    (folder / "copy.sqlite").symlink_to(other)
    assert data.tighten(folder) == []
    assert (mode(folder), mode(other)) == (0o700, 0o644)

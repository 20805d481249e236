"""The reserve: made, given up, and made again."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from runtime import reserve


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What the disk says is free: its one item."""
    found = [reserve.ENOUGH_FREE]

    def statvfs(_: Path) -> os.statvfs_result:
        return os.statvfs_result((1, 1, 0, 0, found[0], 0, 0, 0, 0, 255))

    monkeypatch.setattr(os, "statvfs", statvfs)
    return found


def test_it_takes_room_and_gives_it_back(tmp_path: Path, free: list[int]) -> None:
    assert reserve.keep(tmp_path)
    assert reserve.is_there(tmp_path)
    assert os.stat(tmp_path / reserve.NAME).st_blocks * 512 >= reserve.BYTES
    free[0] = reserve.LEAST_FREE
    assert reserve.keep(tmp_path)
    assert not reserve.is_spent(tmp_path)
    free[0] -= 1
    assert not reserve.keep(tmp_path)
    assert not (tmp_path / reserve.NAME).exists()
    free[0] = reserve.ENOUGH_FREE - 1
    assert not reserve.keep(tmp_path)
    assert reserve.is_spent(tmp_path)
    free[0] += 1
    assert not reserve.is_spent(tmp_path)
    assert reserve.keep(tmp_path)


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), True),
        (RuntimeError("database or disk is full"), True),
        (RuntimeError('could not extend file "base/1": No space left on device'), True),
        (OSError(errno.EACCES, "Permission denied"), False),
        (RuntimeError("database is locked"), False),
    ],
)
def test_it_knows_a_full_disk(error: Exception, full: bool) -> None:
    assert reserve.says_full(error) is full

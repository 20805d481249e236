"""Removing a folder whatever is in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runtime.tools.remove import remove_tree


def dig(folder: Path, levels: int) -> None:
    """A folder in a folder in a folder …, deeper than any path may be long."""
    here = os.open(folder, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)


def test_it_removes_a_tree_of_any_depth_and_width(folder: Path) -> None:
    dig(folder, 3_000)
    for index in range(300):
        (folder / f"wide-{index}").mkdir()
        (folder / f"wide-{index}" / "a").write_text("x")
    remove_tree(folder)
    assert not folder.exists()


def test_it_removes_what_is_closed_and_what_is_no_file(folder: Path) -> None:
    closed = folder / "closed"
    (closed / "below").mkdir(parents=True)
    (closed / "below" / "file").touch(0o000)
    (closed / "below").chmod(0o000)
    closed.chmod(0o000)
    os.mkfifo(folder / "pipe")
    os.symlink("/nowhere", folder / "dangling")
    (folder / ".harness-left").write_text("x")
    remove_tree(folder)
    assert not folder.exists()


def test_it_does_not_follow_links(folder: Path, outside: Path) -> None:
    os.symlink(outside, folder / "link")
    (folder / "below").mkdir()
    os.symlink(outside, folder / "below" / "link")
    remove_tree(folder)
    assert (outside / "secret.txt").read_text() == "the secret"


def test_it_is_content_with_nothing_and_refuses_a_link_or_a_file(tmp_path: Path, outside: Path) -> None:
    remove_tree(tmp_path / "nothing")
    os.symlink(outside, tmp_path / "link")
    with pytest.raises(OSError, match="link"):
        remove_tree(tmp_path / "link")
    with pytest.raises(NotADirectoryError):
        remove_tree(outside / "secret.txt")
    assert (outside / "secret.txt").exists()

"""Files are replaced in one step, and linked where that can be done."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from deployer.files import link_or_copy, replace_file


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    """Where the new one cannot be put in its place, nothing stays beside what was there."""
    replace_file(tmp_path / "record.json", "old")
    replace_file(tmp_path / "record.json", b"new")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError):
        replace_file(tmp_path / "folder", "text")
    assert "new" == (tmp_path / "record.json").read_text()
    assert ["folder", "record.json"] == sorted(path.name for path in tmp_path.iterdir())


@pytest.mark.parametrize(("private", "mode"), [(True, 0o600), (False, 0o644)])
def test_a_private_file_is_its_owners_alone(tmp_path: Path, private: bool, mode: int) -> None:
    """Others follow the umask, and a file that was open to all before does not stay so."""
    before = os.umask(0o022)
    try:
        (tmp_path / "file").touch(mode=0o666)
        replace_file(tmp_path / "file", "ä", private=private)
    finally:
        os.umask(before)
    assert (mode, "ä") == (stat.S_IMODE((tmp_path / "file").stat().st_mode), (tmp_path / "file").read_text("utf-8"))


def test_a_file_is_linked_and_a_symlink_stays_one(tmp_path: Path) -> None:
    """No byte is copied on one file system."""
    (tmp_path / "file").write_text("text")
    (tmp_path / "symlink").symlink_to("file")
    for name in ("file", "symlink"):
        link_or_copy(tmp_path / name, tmp_path / f"{name} too")
    assert (tmp_path / "file").stat().st_ino == (tmp_path / "file too").lstat().st_ino
    assert Path("file") == (tmp_path / "symlink too").readlink()

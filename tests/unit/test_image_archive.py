"""A folder becomes the same tar stream wherever it lies, and unpacks to what it was."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from pathlib import Path

import pytest

from deployer.errors import DeployerError
from deployer.image import archive
from deployer.image.archive import Tree
from deployer.image.layer_cache import BlobWriter
from deployer.image.unpacked import unpack


def made(tree: Tree) -> bytes:
    out = io.BytesIO()
    archive.write(tree, out.write)
    return out.getvalue()


def members(tree: Tree) -> list[tarfile.TarInfo]:
    return tarfile.open(fileobj=io.BytesIO(made(tree))).getmembers()


def blob(tree: Tree, path: Path) -> Path:
    with path.open("wb") as file:
        writer = BlobWriter(file)
        archive.write(tree, writer.write)
        writer.finish()
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "b" / "deep").mkdir(parents=True)
    (root / "a.txt").write_text("a", "utf-8")
    (root / "b" / "run").write_text("#!/bin/sh\n", "utf-8")
    (root / "b" / "run").chmod(0o700)
    (root / "b" / "deep" / "näme\nwith newline").write_bytes(b"x" * 1000)
    (root / "b" / "link").symlink_to("../a.txt")
    return root


def test_members_are_sorted_and_carry_nothing_of_this_machine(folder: Path) -> None:
    """Names in order under the given place, time and owner 0, modes 0755 and 0644 only."""
    found = members(Tree(folder, "opt/x"))
    expected = ["opt", "opt/x", "opt/x/a.txt", "opt/x/b", "opt/x/b/deep", "opt/x/b/deep/näme\nwith newline"]
    assert [member.name for member in found] == [*expected, "opt/x/b/link", "opt/x/b/run"]
    assert {(member.mtime, member.uid, member.gid, member.uname) for member in found} == {(0, 0, 0, "")}
    modes = {member.name.rpartition("/")[2]: member.mode for member in found if member.isreg()}
    assert modes == {"a.txt": 0o644, "run": 0o755, "näme\nwith newline": 0o644}


def test_the_same_files_elsewhere_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    """Neither the place, nor the times, nor the umask, nor the order of creation shows."""
    other = tmp_path / "elsewhere"
    for path in sorted(folder.rglob("*"), reverse=True):
        copy = other / path.relative_to(folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            copy.symlink_to(path.readlink())
        elif path.is_file():
            copy.write_bytes(path.read_bytes())
            copy.chmod(0o711 if path.stat().st_mode & 0o100 else 0o600)
            os.utime(copy, (1, 1))
    assert made(Tree(folder, "x")) == made(Tree(other, "x"))
    assert archive.fingerprint(Tree(folder, "x")) == archive.fingerprint(Tree(other, "x"))


def test_what_is_left_out_is_left_out_at_the_top_only(folder: Path) -> None:
    """`without` names entries of the root, not of folders below."""
    (folder / "b" / "a.txt").write_text("kept", "utf-8")
    names = [member.name for member in members(Tree(folder, "x", without=frozenset({"a.txt"})))]
    assert "x/a.txt" not in names
    assert "x/b/a.txt" in names


@pytest.mark.parametrize("change", ["content", "name", "mode", "place", "link"])
def test_the_fingerprint_changes_with_everything_that_the_archive_holds(folder: Path, change: str) -> None:
    """A fingerprint stands for the archive's bytes."""
    before, place = archive.fingerprint(Tree(folder, "x")), "x"
    if change == "content":
        (folder / "a.txt").write_text("b", "utf-8")
    elif change == "name":
        (folder / "a.txt").rename(folder / "c.txt")
    elif change == "mode":
        (folder / "a.txt").chmod(0o755)
    elif change == "link":
        (folder / "b" / "link").unlink()
        (folder / "b" / "link").symlink_to("run")
    else:
        place = "y"
    assert archive.fingerprint(Tree(folder, place)) != before


@pytest.mark.parametrize("target", ["/etc/passwd", "../outside", "b/../../outside"])
def test_a_symlink_that_leaves_the_folder_is_refused(folder: Path, target: str) -> None:
    """The link and its target are named."""
    (folder / "bad").symlink_to(target)
    with pytest.raises(DeployerError, match=r"symlink .*/bad points to .*outside"):
        made(Tree(folder, "x"))


def test_a_pipe_is_refused(folder: Path) -> None:
    """What an image cannot hold is named instead of read for ever."""
    os.mkfifo(folder / "pipe")
    with pytest.raises(DeployerError, match="pipe is neither a file, a folder nor a symlink"):
        made(Tree(folder, "x"))


def test_layers_unpack_to_what_they_were_made_of(folder: Path, tmp_path: Path) -> None:
    """Contents, modes and links come back; a later layer replaces files of an earlier one."""
    lower = blob(Tree(folder, "opt/x"), tmp_path / "lower")
    (folder / "a.txt").write_text("newer", "utf-8")
    upper = blob(Tree(folder, "opt/x"), tmp_path / "upper")
    unpack([lower, upper], tmp_path / "out")
    root = tmp_path / "out" / "opt" / "x"
    assert (root / "b" / "link").read_text("utf-8") == "newer"
    assert (root / "b" / "deep" / "näme\nwith newline").read_bytes() == b"x" * 1000
    assert (root / "b" / "run").stat().st_mode & 0o777 == 0o755
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lower", "out", "root", "upper"]


def test_a_folder_that_is_there_is_left_alone(folder: Path, tmp_path: Path) -> None:
    """An unpacked image is never touched again."""
    (tmp_path / "out").mkdir()
    unpack([blob(Tree(folder, "x"), tmp_path / "blob")], tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_cut_layer_leaves_nothing_behind(folder: Path, tmp_path: Path) -> None:
    """A damaged blob is one error, with the way out."""
    whole = blob(Tree(folder, "x"), tmp_path / "blob")
    whole.write_bytes(whole.read_bytes()[:-20])
    with pytest.raises(DeployerError, match="could not be unpacked") as caught:
        unpack([whole], tmp_path / "out")
    assert "building the image again" in caught.value.hint
    assert not (tmp_path / "out").exists()


def test_a_blob_says_what_is_in_it(folder: Path, tmp_path: Path) -> None:
    """`digest` and `size` are of the file, `diff_id` of the tar inside, and the gzip header holds no time or name."""
    with (tmp_path / "blob").open("wb") as file:
        writer = BlobWriter(file)
        archive.write(Tree(folder, "x"), writer.write)
        blob = writer.finish()
    content = (tmp_path / "blob").read_bytes()
    assert blob.digest == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert blob.size == len(content)
    assert blob.diff_id == f"sha256:{hashlib.sha256(made(Tree(folder, 'x'))).hexdigest()}"
    assert content[:10].hex() == "1f8b08000000000000ff"

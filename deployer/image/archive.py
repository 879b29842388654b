"""One folder as a deterministic tar stream: sorted, time 0, owner 0, modes 0755 and 0644, nothing from outside.

Bytes go from disk to the writer in pieces, so that memory stays flat whatever the size or the number of files.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import stat
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from deployer.errors import DeployerError

PIECE = 1 << 20
Write = Callable[[bytes], object]


@dataclass(frozen=True)
class Tree:
    """A folder on disk and the place in the image that gets its contents, less the top-level names in `without`."""

    root: Path
    at: str
    without: frozenset[str] = frozenset()


@dataclass(frozen=True)
class _Member:
    name: str  # inside the tree, "/" between the parts
    path: Path
    mode: int  # as the file system has it
    size: int


def write(tree: Tree, into: Write) -> None:
    """Write the whole archive, its end marker too. Raises DeployerError for what an image layer cannot hold."""
    for parent in _parents(tree.at):
        into(_header(tarfile.TarInfo(parent), tarfile.DIRTYPE, mode=0o755))
    for member in _members(tree):
        _write_member(tree, member, into)
    into(b"\0" * (2 * tarfile.BLOCKSIZE))


def fingerprint(tree: Tree) -> str:
    """A hash of all that `write` would write, found by reading the files once. BLAKE2, for it reads gigabytes."""
    digest = hashlib.blake2b(tree.at.encode(), digest_size=32)
    for member in _members(tree):
        kind = _kind(member)
        digest.update(b"\0%s\0%s\0%d\0%d\0" % (os.fsencode(member.name), kind, _mode(member), member.size))
        if kind == tarfile.SYMTYPE:
            digest.update(os.fsencode(_link_target(member)))
        elif kind == tarfile.REGTYPE:
            with member.path.open("rb") as file:
                _copy(file.read, member, digest.update)
    return digest.hexdigest()


def content_size(tree: Tree) -> int:
    """The bytes of all files, without reading them."""
    return sum(member.size for member in _members(tree) if stat.S_ISREG(member.mode))


def _members(tree: Tree) -> Iterator[_Member]:
    """Every entry below the root, a folder before what is in it, siblings in the order of their names' bytes."""
    waiting = [member for member in _inside(tree.root, "") if member.name not in tree.without]
    while waiting:
        member = waiting.pop()
        yield member
        if stat.S_ISDIR(member.mode):
            waiting.extend(_inside(member.path, member.name))


def _inside(folder: Path, name: str) -> list[_Member]:
    """The entries of one folder, last one first."""
    entries = sorted(os.scandir(folder), key=lambda entry: os.fsencode(entry.name), reverse=True)
    found = []
    for entry in entries:
        status = entry.stat(follow_symlinks=False)
        found.append(_Member(posixpath.join(name, entry.name), Path(entry.path), status.st_mode, status.st_size))
    return found


def _write_member(tree: Tree, member: _Member, into: Write) -> None:
    info = tarfile.TarInfo(posixpath.join(tree.at, member.name))
    kind = _kind(member)
    if kind == tarfile.SYMTYPE:
        info.linkname = _link_target(member)
    if kind == tarfile.REGTYPE:
        info.size = member.size
    into(_header(info, kind, mode=_mode(member)))
    if kind != tarfile.REGTYPE:
        return
    with member.path.open("rb") as file:
        _copy(file.read, member, into)
    into(b"\0" * (-member.size % tarfile.BLOCKSIZE))


def _copy(read: Callable[[int], bytes], member: _Member, into: Write) -> None:
    """Exactly the size that the header promises: a file that is being written to is an error, not a broken layer."""
    left = member.size
    while left:
        piece = read(min(PIECE, left))
        if not piece:
            raise DeployerError(f"{member.path} became shorter while it was read.", hint="Run the command again.")
        into(piece)
        left -= len(piece)


def _header(info: tarfile.TarInfo, kind: bytes, *, mode: int) -> bytes:
    info.type, info.mode, info.mtime = kind, mode, 0
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _kind(member: _Member) -> bytes:
    for is_kind, kind in (
        (stat.S_ISREG, tarfile.REGTYPE),
        (stat.S_ISDIR, tarfile.DIRTYPE),
        (stat.S_ISLNK, tarfile.SYMTYPE),
    ):
        if is_kind(member.mode):
            return kind
    raise DeployerError(
        f"{member.path} is neither a file, a folder nor a symlink, so an image cannot hold it.",
        hint="Remove it from the Bento's folder.",
    )


def _mode(member: _Member) -> int:
    """Lambda's user must read everything, and BentoML's folders are 0700."""
    return 0o755 if not stat.S_ISREG(member.mode) or member.mode & 0o111 else 0o644


def _link_target(member: _Member) -> str:
    target = str(member.path.readlink())
    landed = posixpath.normpath(posixpath.join(posixpath.dirname(member.name), target))
    if posixpath.isabs(target) or landed == ".." or landed.startswith("../"):
        raise DeployerError(
            f"The symlink {member.path} points to {target}, outside of what goes into the image.",
            hint="Put the file itself there instead of a symlink.",
        )
    return target


def _parents(at: str) -> Iterator[str]:
    """`opt`, `opt/python` for `opt/python`: written out, so that their modes do not depend on who unpacks."""
    parts = at.split("/")
    for count in range(1, len(parts) + 1):
        yield "/".join(parts[:count])

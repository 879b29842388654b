"""One layer into a folder of its own, and nothing outside of it, whatever the layer's names and links say.

What a layer says about those below it stays there as markers, which `overlay` applies: `.wh.NAME` takes NAME away,
`.wh..wh..opq` all that the folder had, `.wh..wh.link.NAME` is a hard link to a file of a layer below, and a folder
that is only on the way to an entry has the sticky bit. Device nodes and pipes are left out: only root may make them.
"""

from __future__ import annotations

import os
import shutil
import tarfile
import zlib
from contextlib import closing
from pathlib import Path
from typing import IO, Any, cast

from deployer.errors import DeployerError
from deployer.files import link_or_copy
from deployer.image.inside import Inside, plain, refused

PIECE = 1 << 20
READ_AHEAD = 1 << 16  # tarfile copies the rest of it for each header
WHITEOUT = ".wh."
ABOUT_LAYERS = f"{WHITEOUT}{WHITEOUT}"  # what begins so is no file's whiteout
OPAQUE = f"{ABOUT_LAYERS}.opq"
LINK = f"{ABOUT_LAYERS}link."
GZIP, ZSTANDARD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


def unpack_layer(blob: Path, folder: Path) -> None:
    """Into `folder`, which is empty. Raises DeployerError for a blob that is damaged or reaches outside."""
    tree = Inside(folder, mark=True)
    try:
        with (
            closing(_stream(blob)) as stream,
            tarfile.open(fileobj=stream, mode="r|", bufsize=READ_AHEAD, encoding="utf-8") as archive,
        ):
            for member in archive:
                _extract(archive, member, tree)
                archive.members = []  # type: ignore[attr-defined]  # or every header of the layer stays in memory
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise not_unpacked(blob.name, error) from error


def not_unpacked(name: str, error: Exception) -> DeployerError:
    return DeployerError(
        f"The layer {name[:12]} could not be unpacked: {error}",
        hint="Look at the free disk space; a damaged layer is made again by building the image again.",
    )


def _stream(blob: Path) -> Any:
    with blob.open("rb") as file:
        start = file.read(len(ZSTANDARD))
    if start == ZSTANDARD:
        raise DeployerError(
            f"The layer {blob.name[:12]} is compressed with Zstandard, which cannot be unpacked here.",
            hint="Compress the image's layers with gzip; buildx does so unless told otherwise.",
        )
    if not start.startswith(GZIP):
        return blob.open("rb")
    from isal import igzip  # twice as fast as zlib, and only needed here

    return igzip.open(blob)  # type: ignore[no-untyped-call]


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, tree: Inside) -> None:
    name = plain(member.name)
    if member.ischr() or member.isblk() or member.isfifo() or not name:
        return
    if any(part.startswith(WHITEOUT) for part in name.split("/")[:-1]):
        return  # AUFS kept its own files in folders that are named so
    path = tree.place(name)
    if path.name.startswith(WHITEOUT):
        _mark(path, tree)
    elif member.isdir():
        tree.real_folder(path, member.mode)
    elif member.islnk():
        _link(path, member, tree)
    else:
        _replace(archive, member, path, tree)


def _mark(path: Path, tree: Inside) -> None:
    if path.name.removeprefix(WHITEOUT) in ("", ".", ".."):
        raise refused(path.name, "takes away what is no entry")
    if path.name == OPAQUE or not path.name.startswith(ABOUT_LAYERS):
        tree.clear(path)
        path.touch()


def _link(path: Path, member: tarfile.TarInfo, tree: Inside) -> None:
    name = plain(member.linkname)
    target = tree.find(name)
    if target == path:
        return
    if not name or (target and target.is_dir() and not target.is_symlink()):
        raise refused(member.name, "is a hard link to a folder")
    _clear(path, tree)
    if target is None:
        path.with_name(f"{LINK}{path.name}").symlink_to(name)
    else:
        link_or_copy(target, path)


def _replace(archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path, tree: Inside) -> None:
    if not (member.issym() or member.isreg()):
        raise refused(member.name, "is of an unknown kind")
    _clear(path, tree)
    if member.issym():
        path.symlink_to(member.linkname)
        return
    with cast("IO[bytes]", archive.extractfile(member)) as source:
        _write(path, source, mode=member.mode & 0o755 | 0o400)


def _clear(path: Path, tree: Inside) -> None:
    tree.clear(path)
    path.with_name(f"{LINK}{path.name}").unlink(missing_ok=True)


def _write(path: Path, source: IO[bytes], *, mode: int) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        shutil.copyfileobj(source, file, PIECE)
    path.chmod(mode)

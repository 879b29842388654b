"""Layers back into a folder, for the local data plane: nothing is written outside of it, and it appears whole or not.

Our own layers hold folders, files and symlinks only; anything else, a base image's hardlinks among them, is refused.
"""

from __future__ import annotations

import os
import posixpath
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO, cast

from deployer.errors import DeployerError

PIECE = 1 << 20
READ_AHEAD = 1 << 16  # tarfile copies the rest of it for each header


def unpack(blobs: Sequence[Path], destination: Path) -> None:
    """Unpack gzip layers, lowest first. A `destination` that exists is complete, and left as it is.

    Raises DeployerError for a blob that is damaged or reaches outside of the folder; nothing is left behind then.
    """
    if destination.is_dir():
        return
    destination.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=destination.parent, prefix=f".{destination.name}."))
    try:
        unfinished.chmod(0o755)
        for blob in blobs:
            _extract_layer(blob, unfinished)
        _rename(unfinished, destination)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _extract_layer(blob: Path, folder: Path) -> None:
    from isal import igzip  # twice as fast as zlib, and only needed here

    try:
        stream = igzip.open(blob)  # type: ignore[no-untyped-call]
        with stream, tarfile.open(fileobj=stream, mode="r|", bufsize=READ_AHEAD) as archive:
            for member in archive:
                _extract_member(archive, member, folder)
                archive.members = []  # type: ignore[attr-defined]  # or every header of the layer stays in memory
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise DeployerError(
            f"The layer {blob.name[:12]} could not be unpacked: {error}",
            hint="Look at the free disk space; a damaged layer is made again by building the image again.",
        ) from error


def _extract_member(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    path = _inside(folder, member.name)
    if member.isdir():
        path.mkdir(exist_ok=True)
        path.chmod(member.mode & 0o755)
        return
    if path.is_symlink() or path.exists():
        path.unlink()
    if member.issym():
        _inside(folder, posixpath.join(posixpath.dirname(member.name), member.linkname), normalise=True)
        path.symlink_to(member.linkname)
    elif member.isreg():
        with cast("IO[bytes]", archive.extractfile(member)) as source:
            _write(path, source, mode=member.mode & 0o755)
    else:
        raise _refused(member.name, "is neither a folder, a file nor a symlink")


def _inside(folder: Path, name: str, *, normalise: bool = False) -> Path:
    """The path that `name` stands for. No part of the way there may be a symlink or lead upwards."""
    plain = posixpath.normpath(name) if normalise else name
    parts = plain.split("/")
    if posixpath.isabs(plain) or ".." in parts:
        raise _refused(name, "leads outside of the layer")
    way = folder
    for part in parts[:-1]:
        way /= part
        if not normalise and way.is_symlink():
            raise _refused(name, "leads through a symlink")
    return folder / plain


def _write(path: Path, source: IO[bytes], *, mode: int) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        shutil.copyfileobj(source, file, PIECE)
    path.chmod(mode)


def _rename(unfinished: Path, destination: Path) -> None:
    """Another process may have been faster: its folder is as good as ours."""
    try:
        unfinished.rename(destination)
    except OSError:
        if not destination.is_dir():
            raise


def _refused(name: str, why: str) -> DeployerError:
    return DeployerError(f"The layer entry {name!r} {why}, so it was not unpacked.", hint="Build the image again.")

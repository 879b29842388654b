"""An image's names as paths below one folder: a symlink on the way leads to a place below it too, as if it were `/`."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Sequence
from pathlib import Path

from deployer.errors import DeployerError

LINKS = 40  # as many on one way as Linux follows
IMPLIED = stat.S_ISVTX  # marks a folder that is only on the way to an entry; no entry keeps that bit


class Inside:
    """The tree at `root`. Only for a folder that nothing else writes to at that time."""

    def __init__(self, root: Path, *, mark: bool = False) -> None:
        self._root = root
        self._mode = 0o755 | (IMPLIED if mark else 0)
        self._known: dict[tuple[str, ...], Path] = {}

    def place(self, name: str) -> Path:
        """Where the entry belongs. The folders on the way are made; the entry itself is not looked at."""
        *way, last = name.split("/")
        return self.folder(way) / last

    def folder(self, way: Sequence[str]) -> Path:
        """The real folder that this way leads to, made where it is missing."""
        key = tuple(way)
        if key not in self._known:
            self._known[key] = self._walk(way, make=True)
        return self._known[key]

    def find(self, name: str) -> Path | None:
        """The entry that is there already, None where there is none; a symlink is found and not followed."""
        *way, last = name.rstrip("/").split("/")
        try:
            if last in ("", ".", ".."):
                return self._walk([*way, last], make=False)
            path = self._walk(way, make=False) / last
            path.lstat()
        except (OSError, DeployerError):
            return None
        return path

    def real(self, name: str) -> Path | None:
        """What is behind all symlinks, None where that is nothing. Never outside of the tree."""
        for _ in range(LINKS):
            path = self.find(name)
            if path is None or not path.is_symlink():
                return path
            target = str(path.readlink())
            name = target if target.startswith("/") else f"{path.parent.relative_to(self._root)}/{target}"
        return None

    def clear(self, path: Path) -> None:
        """Take away what is at `path`, with all that is in it. What it links to stays."""
        link = path.is_symlink()
        if not link and not path.is_dir():
            path.unlink(missing_ok=True)
            return
        if link:
            path.unlink()
        else:
            shutil.rmtree(path)
        self._known.clear()

    def real_folder(self, path: Path, mode: int) -> None:
        """Make `path` a folder, in place of whatever else is there."""
        if path.is_symlink() or not path.is_dir():
            self.clear(path)
            path.mkdir()
        path.chmod(mode & 0o755 | 0o700)

    def _walk(self, way: Sequence[str], *, make: bool) -> Path:
        here: list[str] = []
        waiting, links = list(reversed(way)), 0
        while waiting:
            part = waiting.pop()
            if part == "..":
                del here[-1:]
            elif part not in ("", "."):
                path = self._root.joinpath(*here, part)
                if not path.is_symlink():
                    self._step(path, make=make)
                    here.append(part)
                    continue
                links += 1
                target = str(path.readlink())
                if links > LINKS:
                    raise refused("/".join(way), "leads through too many symlinks")
                here = [] if target.startswith("/") else here
                waiting.extend(reversed(target.split("/")))
        return self._root.joinpath(*here)

    def _step(self, path: Path, *, make: bool) -> None:
        if path.is_dir():
            return
        if not make:
            raise NotADirectoryError(path)
        path.unlink(missing_ok=True)
        path.mkdir()
        path.chmod(self._mode)


def plain(name: str) -> str:
    """The name without empty parts and `.`; empty for the root itself. One that leads outside is refused."""
    parts = name.split("/")
    if name.startswith("/") or ".." in parts or "\0" in name:
        raise refused(name, "leads outside of the layer")
    return "/".join(part for part in parts if part not in ("", "."))


def refused(name: str, why: str) -> DeployerError:
    return DeployerError(
        f"The layer entry {name!r} {why}, so it was not unpacked.",
        hint="Build the image again. If it is an entry of the base image, take another base.",
    )

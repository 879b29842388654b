"""An unpacked layer on top of those below it: the markers that `unpack` left are applied, files become hard links."""

from __future__ import annotations

import os
from pathlib import Path

from deployer.files import link_or_copy
from deployer.image.inside import IMPLIED, Inside, plain, refused
from deployer.image.unpack import ABOUT_LAYERS, LINK, OPAQUE, WHITEOUT


def overlay(layer: Path, root: Path) -> None:
    """Nothing outside of `root` is changed, and nothing in `layer`."""
    tree = Inside(root)
    late: list[tuple[Path, str]] = []  # hard links to what is below: when the layer's own entries are there
    waiting = [(layer, root)]
    while waiting:
        source, target = waiting.pop()
        with os.scandir(source) as found:
            entries = list(found)
        _take_away({entry.name for entry in entries}, target, tree)
        for entry in entries:
            place = target / entry.name
            if entry.name.startswith(WHITEOUT):
                if entry.name.startswith(LINK) and entry.is_symlink():
                    late.append((target / entry.name.removeprefix(LINK), str(Path(entry.path).readlink())))
            elif entry.is_dir(follow_symlinks=False):
                waiting.append((Path(entry.path), _folder(entry, place, root, tree)))
            else:
                tree.clear(place)
                link_or_copy(entry.path, place)
    for place, name in late:
        _link(place, name, tree)


def _take_away(names: set[str], folder: Path, tree: Inside) -> None:
    """Before the layer's own entries of that folder are put there: a whiteout is about the layers below."""
    if OPAQUE in names:
        for path in list(folder.iterdir()):
            tree.clear(path)
    for name in names:
        gone = name.removeprefix(WHITEOUT)
        if name.startswith(WHITEOUT) and not name.startswith(ABOUT_LAYERS) and gone not in ("", ".", ".."):
            tree.clear(folder / gone)


def _folder(entry: os.DirEntry[str], place: Path, root: Path, tree: Inside) -> Path:
    """A folder of the layer replaces a symlink; one that is only on the way follows it, as the kernel would."""
    mode = entry.stat(follow_symlinks=False).st_mode
    if mode & IMPLIED:
        return tree.folder(place.relative_to(root).parts)
    tree.real_folder(place, mode)
    return place


def _link(place: Path, name: str, tree: Inside) -> None:
    target = tree.find(plain(name))
    if target is None or (target.is_dir() and not target.is_symlink()):
        raise refused(place.name, f"is a hard link to {name}, which is no file of the image")
    if target != place:
        tree.clear(place)
        link_or_copy(target, place)

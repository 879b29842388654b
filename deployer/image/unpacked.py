"""Layers and whole images unpacked on disk, each once: a folder that exists is complete. Safe for several processes.

    layers/<digest>   one layer alone, with the markers of `unpack`
    roots/<digest>    an image's tree, made of hard links to its layers' files

The cache may be deleted whenever nothing runs from it; who runs something says so with `hold`.
"""

from __future__ import annotations

import fcntl
import shutil
import tempfile
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from deployer.files import days_unused, used
from deployer.image.layer_cache import ABANDONED_DAYS, UNUSED_DAYS
from deployer.image.overlay import overlay
from deployer.image.unpack import not_unpacked, unpack_layer

MARKER = "in-use"


def unpacked_layer(blob: Path, digest: str, cache: Path) -> Path:
    """The folder of the blob with that digest. DeployerError when it is damaged; nothing is left behind then."""
    place = cache / "layers" / digest.removeprefix("sha256:")
    if not used(place):
        with _appearing(place) as folder:
            unpack_layer(blob, folder)
    return place


def unpacked_image(name: str, layers: Iterable[Path], cache: Path) -> Path:
    """The tree of these unpacked layers, lowest first, as the folder `roots/name` (an image's digest).

    `layers` is not looked at when the tree is there.
    """
    place = cache / "roots" / name.removeprefix("sha256:")
    if not used(place):
        with _appearing(place) as root:
            for layer in layers:
                overlay(layer, root)
    return place


def unpack(blobs: Sequence[Path], destination: Path) -> None:
    """The tree of these blobs, lowest first. A `destination` that exists is complete, and left as it is."""
    if destination.is_dir():
        return
    with _appearing(destination) as root:
        for blob in blobs:
            with tempfile.TemporaryDirectory(dir=root.parent, prefix=f".{destination.name}.") as folder:
                unpack_layer(blob, Path(folder))
                overlay(Path(folder), root)


def hold(cache: Path) -> IO[bytes]:
    """Until it is closed, or its process has ended, nothing of the cache is set aside."""
    cache.mkdir(parents=True, exist_ok=True)
    marker = (cache / MARKER).open("ab")
    fcntl.flock(marker, fcntl.LOCK_SH)
    return marker


def set_aside_unused(cache: Path, *, now: float) -> list[Path]:
    """What nothing has used for UNUSED_DAYS, now under other names, and what killed processes left, to be removed.

    Nothing while somebody has a `hold`. Each goes in one step, so nobody finds half a tree. `now`: epoch seconds.
    """
    if not cache.is_dir():
        return []
    with (cache / MARKER).open("ab") as marker:
        try:
            fcntl.flock(marker, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return []
        return _set_aside_old(cache, now)


def _set_aside_old(cache: Path, now: float) -> list[Path]:
    found = [entry for part in ("layers", "roots") if (cache / part).is_dir() for entry in (cache / part).iterdir()]
    old = [entry for entry in found if days_unused(entry, now=now) > _days_kept(entry)]
    return [entry if _unfinished(entry) else _set_aside(entry) for entry in old]


def _unfinished(entry: Path) -> bool:
    return entry.name.startswith(".")


def _days_kept(entry: Path) -> float:
    return ABANDONED_DAYS if _unfinished(entry) else UNUSED_DAYS


def _set_aside(entry: Path) -> Path:
    aside = entry.with_name(f".{entry.name}.{uuid.uuid4().hex[:8]}")
    with suppress(OSError):  # gone already, or not ours: neither is a reason not to start
        entry.rename(aside)
    return aside


@contextmanager
def _appearing(destination: Path) -> Iterator[Path]:
    """An empty folder that becomes `destination` at the end, or is gone after an error."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=destination.parent, prefix=f".{destination.name[:12]}."))
    try:
        unfinished.chmod(0o755)
        yield unfinished
        _rename(unfinished, destination)
    except OSError as error:
        raise not_unpacked(destination.name, error) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _rename(unfinished: Path, destination: Path) -> None:
    """Another process may have been faster: its folder is as good as ours."""
    try:
        unfinished.rename(destination)
    except OSError:
        if not destination.is_dir():
            raise

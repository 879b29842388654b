"""Which bytes of an image a cold start touches: Lambda fetches an image's blocks when they are first read.

The image's files are put out of Linux's page cache, a side is started, and mincore(2) says which pages came back, the
kernel's read-ahead included. The interpreter and its standard library are the host's and not counted.
"""

from __future__ import annotations

import ctypes
import mmap
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

PAGE = mmap.PAGESIZE
CHUNK = 512 * 1024  # what Lambda cuts an image into


@dataclass(frozen=True)
class File:
    """A file of the image: its size, and the numbers of its pages that are in memory."""

    size: int
    pages: tuple[int, ...]


def forget(root: Path) -> None:
    """Put every file out of the page cache. What another process has mapped stays, and what is not written yet."""
    for path in _files(root):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)


def files_of(root: Path) -> list[File]:
    """Every file in the order of its path, as the layers have them."""
    return [File(path.stat().st_size, tuple(_resident(path))) for path in _files(root)]


def touched(files: Iterable[File]) -> dict[str, float]:
    """Files read, their pages and their whole sizes in MB, and chunks as if the files lay one behind the other."""
    read, pages, whole, start = 0, 0, 0, 0
    chunks: set[int] = set()
    for file in files:
        read += bool(file.pages)
        pages += len(file.pages)
        whole += file.size if file.pages else 0
        chunks.update((start + page) * PAGE // CHUNK for page in file.pages)
        start += -(-file.size // PAGE)
    return {
        "files": read,
        "pages_mb": round(pages * PAGE / 1e6, 1),
        "files_mb": round(whole / 1e6, 1),
        "chunks": len(chunks),
        "chunks_mb": round(len(chunks) * CHUNK / 1e6, 1),
        "chunks_of_image": -(-start * PAGE // CHUNK),
    }


def _files(root: Path) -> Iterator[Path]:
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path


def _resident(path: Path) -> Iterator[int]:
    size = path.stat().st_size
    if size == 0:
        return
    # A private writable mapping, which nobody writes to: ctypes gives the address of no other.
    with path.open("rb") as file, mmap.mmap(file.fileno(), size, access=mmap.ACCESS_COPY) as mapped:
        count = -(-size // PAGE)
        found = (ctypes.c_ubyte * count)()
        first = ctypes.c_char.from_buffer(mapped)
        failed = ctypes.CDLL(None, use_errno=True).mincore(
            ctypes.c_void_p(ctypes.addressof(first)), ctypes.c_size_t(size), found
        )
        del first
        if failed:
            raise OSError(ctypes.get_errno(), "mincore", str(path))
        yield from (number for number, state in enumerate(found) if state & 1)

"""The cache of compressed layers: blobs under their digest, and records that say which inputs made which blob.

A blob gets its final name only when it is whole, so a killed build leaves nothing that a later one would trust.
Two builds may share the cache: one key is built by one process at a time, and the other then finds it made.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock

from deployer.files import days_unused, replace_file, used

UNUSED_DAYS = 30.0
ABANDONED_DAYS = 1.0  # no build takes that long
PRUNING_DAYS = 1.0
COMPRESSION_LEVEL = 1
PIECE = 1 << 20
HASHING_AT_ONCE = 8  # pieces


@dataclass(frozen=True)
class Blob:
    """A gzip layer: `digest` and `size` (bytes) are of the compressed file, `diff_id` and `unpacked` of its tar."""

    digest: str
    size: int
    diff_id: str
    unpacked: int


class BlobCache:
    """The folder `root`, made when missing. Safe to delete at any time between two builds."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._blobs = root / "blobs" / "sha256"
        self._records = root / "records"
        self._scratch = root / "scratch"
        self._locks = root / "locks"
        self.bytecode = root / "bytecode"  # see image.bytecode; pruned like the blobs
        for folder in (self._blobs, self._records, self._scratch, self._locks, self.bytecode):
            folder.mkdir(parents=True, exist_ok=True)

    def path(self, digest: str) -> Path:
        return self._blobs / digest.removeprefix("sha256:")

    def get(self, key: str, make: Callable[[BlobWriter], None]) -> tuple[Blob, bool]:
        """The blob of these inputs, and whether it was there already; else `make` writes its tar stream."""
        return self.adopt(key, lambda path: _compressed(path, make))

    def adopt(self, key: str, fill: Callable[[Path], Blob]) -> tuple[Blob, bool]:
        """The same for a gzip layer that is there elsewhere: `fill` writes it to the path and says what it is."""
        if (found := self.find(key)) is not None:
            return found, True
        with self.locked(key):
            if (found := self.find(key)) is not None:
                return found, True
            blob = self._store(fill)
            replace_file(self.record(key), json.dumps(asdict(blob)))
        return blob, False

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder on the cache's own file system that is gone afterwards."""
        with tempfile.TemporaryDirectory(dir=self._scratch, ignore_cleanup_errors=True) as folder:
            yield Path(folder)

    @contextmanager
    def locked(self, key: str) -> Iterator[None]:
        """One build at a time per key, across processes. Keys share 256 locks, so lock files do not pile up."""
        with FileLock(self._locks / key[-2:]):
            yield

    def prune(self, *, now: float | None = None) -> None:
        """Remove what no build has used for UNUSED_DAYS, and what killed builds left. Looked for once a day."""
        today = time.time() if now is None else now
        looked = self.root / "pruned"
        if looked.exists() and days_unused(looked, now=today) < PRUNING_DAYS:
            return
        looked.touch()
        for path in (*self._blobs.iterdir(), *self._records.iterdir(), *self.bytecode.glob("*/*")):
            if days_unused(path, now=today) > UNUSED_DAYS:
                path.unlink(missing_ok=True)
        for folder in self._scratch.iterdir():
            if days_unused(folder, now=today) > ABANDONED_DAYS:
                shutil.rmtree(folder, ignore_errors=True)

    def find(self, key: str) -> Blob | None:
        """The blob of these inputs, where it is there whole."""
        record = self.record(key)
        try:
            blob = Blob(**json.loads(record.read_text("utf-8")))
            if self.path(blob.digest).stat().st_size != blob.size:
                return None
        except (OSError, ValueError, TypeError):
            return None
        return blob if used(record) and used(self.path(blob.digest)) else None

    def _store(self, fill: Callable[[Path], Blob]) -> Blob:
        with self.scratch() as folder:
            unfinished = folder / "blob"
            blob = fill(unfinished)
            unfinished.chmod(0o444)
            unfinished.replace(self.path(blob.digest))
        return blob

    def record(self, key: str) -> Path:
        """Where it is noted what was made of these inputs: pruned like the blobs."""
        return self._records / f"{key}.json"


class BlobWriter:
    """Compresses a tar stream into `file` and counts both sides. The gzip header holds no time and no name.

    The stream is cut into pieces of one size, so that the result does not depend on how it was handed over. Hashes are
    taken on two threads of their own while this one reads, compresses and writes.
    """

    def __init__(self, file: BinaryIO) -> None:
        from isal import isal_zlib  # only a build compresses

        self._file = file
        self._gzip = isal_zlib.compressobj(COMPRESSION_LEVEL, isal_zlib.DEFLATED, 31)
        self._inside, self._outside, self._size, self._unpacked = hashlib.sha256(), hashlib.sha256(), 0, 0
        self._waiting = bytearray()
        self._hashers = {digest: ThreadPoolExecutor(1) for digest in (self._inside, self._outside)}
        self._hashing: deque[Future[None]] = deque()

    def write(self, data: bytes) -> None:
        self._unpacked += len(data)
        self._waiting += data
        while len(self._waiting) >= PIECE:
            piece = bytes(self._waiting[:PIECE])
            del self._waiting[:PIECE]
            self._compress(piece)

    def finish(self) -> Blob:
        self._compress(bytes(self._waiting))
        self._emit(self._gzip.flush())
        self.close()
        digest = f"sha256:{self._outside.hexdigest()}"
        diff_id = f"sha256:{self._inside.hexdigest()}"
        return Blob(digest=digest, size=self._size, diff_id=diff_id, unpacked=self._unpacked)

    def close(self) -> None:
        """End the threads, after a failure too."""
        for hasher in self._hashers.values():
            hasher.shutdown()
        for hashed in self._hashing:
            hashed.result()

    def _compress(self, piece: bytes) -> None:
        self._hash(self._inside, piece)
        self._emit(self._gzip.compress(piece))

    def _emit(self, data: bytes) -> None:
        self._hash(self._outside, data)
        self._file.write(data)
        self._size += len(data)

    def _hash(self, digest: hashlib._Hash, data: bytes) -> None:
        self._hashing.append(self._hashers[digest].submit(digest.update, data))
        while len(self._hashing) > HASHING_AT_ONCE:  # or a slow hash would let memory grow
            self._hashing.popleft().result()


def _compressed(path: Path, make: Callable[[BlobWriter], None]) -> Blob:
    with path.open("wb") as file, closing(BlobWriter(file)) as writer:
        make(writer)
        return writer.finish()

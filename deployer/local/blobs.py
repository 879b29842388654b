"""Blobs by digest on disk: written to a temporary file, verified, then renamed. A blob that exists is whole."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from deployer.files import days_unused, used
from deployer.image.layer_cache import UNUSED_DAYS

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class DigestMismatch(Exception):
    """The bytes are not what the digest says."""


class Blobs:
    """A content-addressed folder. Safe for several threads: a rename either happens or does not."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._uploads = folder / "uploads"
        self._uploads.mkdir(parents=True, exist_ok=True)

    def path(self, digest: str) -> Path | None:
        """The blob's file, or None where there is none; one that is asked for is in use.

        ValueError for anything that is not a sha256 digest.
        """
        file = self._place(digest)
        return file if used(file) else None

    def read(self, digest: str) -> bytes:
        return self._place(digest).read_bytes()

    def begin(self) -> Path:
        """A new empty file for an upload."""
        with tempfile.NamedTemporaryFile(dir=self._uploads, prefix="upload-", delete=False) as file:
            return Path(file.name)

    def append(self, upload: Path, chunks: Iterable[bytes]) -> int:
        """Add to an upload; the number of bytes it then has."""
        with upload.open("ab") as file:
            for chunk in chunks:
                file.write(chunk)
            return file.tell()

    def finish(self, upload: Path, digest: str) -> None:
        """Turn an upload into a blob. DigestMismatch, and the upload is gone, when the bytes are others."""
        place = self._place(digest)
        with upload.open("rb") as file:
            actual = f"sha256:{_sha256(file)}"
        if actual != digest:
            upload.unlink()
            raise DigestMismatch(f"{digest} was promised and {actual} arrived")
        upload.replace(place)

    def add(self, content: bytes) -> str:
        """Store a small blob such as a manifest; its digest."""
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        upload = self.begin()
        upload.write_bytes(content)
        upload.replace(self._place(digest))
        return digest

    def forget_uploads(self) -> None:
        """Remove what unfinished uploads of an earlier daemon left."""
        for upload in self._uploads.iterdir():
            upload.unlink(missing_ok=True)

    def forget_unused(self, *, now: float) -> None:
        """Remove the blobs that nobody has asked for in UNUSED_DAYS. `now`: epoch seconds."""
        for blob in self._folder.iterdir():
            if blob.is_file() and days_unused(blob, now=now) > UNUSED_DAYS:
                blob.unlink()

    def _place(self, digest: str) -> Path:
        if not DIGEST.fullmatch(digest):
            raise ValueError(f"{digest!r} is not a sha256 digest")
        return self._folder / digest.removeprefix("sha256:")


def _sha256(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(1 << 20):
        digest.update(chunk)
    return digest.hexdigest()

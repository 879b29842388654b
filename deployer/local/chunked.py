"""A request body that comes in chunks, read while it comes, with the headers that follow it.

werkzeug's own reader waits until its buffer is full and takes trailers for an error.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, BinaryIO

from werkzeug.serving import WSGIRequestHandler

PIECE = 64 * 1024  # bytes handed on at most at once


class ChunkedHandler(WSGIRequestHandler):
    """Hands a chunked body on as a ChunkedBody, `request.stream` of werkzeug's request."""

    def make_environ(self) -> dict[str, Any]:
        environ = super().make_environ()
        if environ.get("wsgi.input_terminated"):
            environ["wsgi.input"] = ChunkedBody(self.rfile)
        return environ


class ChunkedBody(io.RawIOBase):
    """`pieces` as they come, or a file. Raises OSError when the body breaks off or is malformed."""

    def __init__(self, source: BinaryIO | io.BufferedIOBase) -> None:
        self._source = source
        self._pieces = self._read_pieces()
        self._rest = b""
        self.trailers: dict[str, str] = {}  # after the last piece, by lower-case name

    def pieces(self) -> Iterator[bytes]:
        """Each as soon as it is there, none of them empty."""
        return self._pieces

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._rest or next(self._pieces, b"")
        taken, self._rest = piece[: len(buffer)], piece[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)

    def _read_pieces(self) -> Iterator[bytes]:
        while size := self._size():
            while size:
                piece = self._exactly(min(size, PIECE))
                size -= len(piece)
                yield piece
            if self._line():
                raise OSError("a chunk is longer than it says")
        while line := self._line():
            name, _, value = line.partition(":")
            self.trailers[name.strip().lower()] = value.strip()

    def _size(self) -> int:
        try:
            size = int(self._line().partition(";")[0], 16)
        except ValueError as error:
            raise OSError("a chunk does not begin with its size") from error
        if size < 0:
            raise OSError("a chunk's size is negative")
        return size

    def _exactly(self, size: int) -> bytes:
        data = self._source.read(size)
        if len(data) < size:
            raise OSError("the body broke off")
        return data

    def _line(self) -> str:
        line = self._source.readline(PIECE)
        if not line.endswith(b"\n"):
            raise OSError("the body broke off")
        return line.decode("latin-1").strip()

"""A streamed response between two threads: the runtime's request writes it, the client's connection reads it.

As on Lambda, a client that goes away ends nothing: what the function still writes is thrown away.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator

ROOM = 1024 * 1024  # bytes written ahead of the client, then the function waits


class BrokenOff(ConnectionError):
    """The response ended in its middle. As a ConnectionError it ends the client's connection without a clean end."""


class LiveResponse:
    """`begin`, `put` and `end` are the writer's, the rest is the reader's. An iterator of pieces, to be closed."""

    def __init__(self) -> None:
        self.content_type = ""  # empty until it has begun
        self._changed = threading.Condition()
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._ended = self._whole = self._closed = False

    # the writer's

    def begin(self, content_type: str) -> None:
        with self._changed:
            self.content_type = content_type
            self._changed.notify_all()

    def put(self, piece: bytes) -> None:
        """Return when there is room for more, or nobody reads any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._size < ROOM or self._closed or self._ended)
            if self._closed or self._ended:
                return
            self._pieces.append(piece)
            self._size += len(piece)
            self._changed.notify_all()

    def end(self, *, whole: bool) -> None:
        """Nothing more comes; `whole` is False where that is an error. Only the first time counts."""
        with self._changed:
            self._ended, self._whole = True, self._whole or (whole and not self._ended)
            self._changed.notify_all()

    # the reader's

    def wait(self) -> bool:
        """Return when it has begun, or has ended before that: False."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self.content_type) or self._ended)
            return bool(self.content_type)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        """The next piece as soon as it is there. Raises BrokenOff where the response does."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._pieces) or self._ended)
            if not self._pieces and not self._whole:
                raise BrokenOff("the function's response broke off")
            if not self._pieces:
                raise StopIteration
            piece = self._pieces.popleft()
            self._size -= len(piece)
            self._changed.notify_all()
            return piece

    def close(self) -> None:
        """Read no more."""
        with self._changed:
            self._closed = True
            self._pieces.clear()
            self._changed.notify_all()

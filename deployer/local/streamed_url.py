"""A function URL with invoke mode RESPONSE_STREAM: the client gets the response while the function makes it.

Status and headers are those of the response's prelude; a response that breaks off ends the connection, not the chunks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from itertools import chain

from werkzeug.wrappers import Response

from deployer.local.invocation import Answer
from deployer.local.live_response import BrokenOff, LiveResponse
from deployer.tools.http_integration import CONTENT_TYPE, DELIMITER, Head, head

WITHOUT_BODY = (204, 304)
OF_THE_CONNECTION = ("connection", "transfer-encoding")

Invoke = Callable[[], Answer]


class Running:
    """An invocation in a thread of its own, since it goes on when the client is gone."""

    def __init__(self, invoke: Invoke, live: LiveResponse) -> None:
        self._invoke, self._live = invoke, live
        self._ended: Future[Answer] = Future()
        threading.Thread(target=self._run, name="streamed-invocation", daemon=True).start()

    def answer(self) -> Answer:
        """What came of it, once it has ended. Raises what the invocation raised."""
        return self._ended.result()

    def _run(self) -> None:
        whole = False
        try:
            answer = self._invoke()
            whole = not answer.error
            self._ended.set_result(answer)
        except Exception as error:  # raised again where the client waits
            self._ended.set_exception(error)
        finally:
            self._live.end(whole=whole)


def streamed(live: LiveResponse, *, method: str) -> Response:
    """The response that has begun. Raises BrokenOff or ValueError when it has no readable beginning."""
    try:
        begun, first = _beginning(live)
    except (BrokenOff, ValueError):
        live.close()
        raise
    if method == "HEAD" or begun.status in WITHOUT_BODY:
        live.close()
    response = Response(_Body(first, live), status=begun.status)
    response.headers.clear()
    for name, value in begun.headers:
        if name.lower() not in OF_THE_CONNECTION:
            response.headers.add(name, value)
    return response


class _Body:
    """An iterable that is closed with its response, so that nothing waits for a client that is gone."""

    def __init__(self, first: bytes, live: LiveResponse) -> None:
        self._first, self._live = first, live

    def __iter__(self) -> Iterator[bytes]:
        return chain((self._first,) if self._first else (), self._live)

    def close(self) -> None:
        self._live.close()


def _beginning(live: LiveResponse) -> tuple[Head, bytes]:
    """The prelude, and what of the body came with it."""
    if live.content_type != CONTENT_TYPE:
        return Head(200, (("Content-Type", live.content_type),)), b""
    read = b""
    while DELIMITER not in read:
        piece = next(live, None)
        if piece is None:
            raise ValueError("the streamed response ended in its prelude")
        read += piece
    prelude, _, body = read.partition(DELIMITER)
    return head(prelude), body

"""A client that keeps its connection, and waits for a server that is still starting."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Mapping

PATIENCE = 180.0
PAUSE = 0.005


class Client:
    """`post` sends the same body again and again. RuntimeError when `alive` says that nobody will answer."""

    def __init__(
        self, host: str, port: int, *, path: str, body: bytes, headers: Mapping[str, str], alive: Callable[[], bool]
    ) -> None:
        self._connection = http.client.HTTPConnection(host, port, timeout=PATIENCE)
        self._path, self._body, self._headers, self._alive = path, body, dict(headers), alive
        self._answered = False

    def post(self) -> tuple[int, bytes, float]:
        """Status, body, and seconds from the request that was answered to the whole answer."""
        end = time.monotonic() + PATIENCE
        while True:
            began = time.perf_counter()
            try:
                self._connection.request("POST", self._path, self._body, self._headers)
                answer = self._connection.getresponse()
                content = answer.read()
            except (OSError, http.client.HTTPException) as error:
                self._connection.close()
                if self._answered or not self._alive() or time.monotonic() > end:
                    raise RuntimeError(f"no answer: {type(error).__name__}: {error}") from error
                time.sleep(PAUSE)
                continue
            self._answered = True
            return answer.status, content, time.perf_counter() - began

    def close(self) -> None:
        self._connection.close()

"""The one door to HTTP: a request in, a response out. A bad status is a value; only no answer at all is an error."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from deployer.errors import DeployerError

if TYPE_CHECKING:
    import urllib3


@dataclass(frozen=True)
class Response:
    """An answer, whatever its status. Header names are lower case; `milliseconds` ends with the body's last byte."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    milliseconds: float

    @property
    def content_type(self) -> str:
        """The media type alone, such as `application/json`; empty where none was sent."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class Unreachable(DeployerError):
    """No answer came: refused, cut off, out of time, no such host, no trusted certificate."""


class Http(Protocol):
    """Sends one request once: no retries, no redirects. Raises Unreachable."""

    def send(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes = b"", timeout: float
    ) -> Response: ...


class Urllib3Http:
    """The real one. `timeout` is in seconds, for the connection and for each wait on the answer."""

    def send(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes = b"", timeout: float) -> Response:
        import urllib3  # loaded with the first request: see the start-up budget of the command line

        started = time.monotonic()
        try:
            answer = self._pool.request(
                method, url, body=body or None, headers=dict(headers), timeout=urllib3.Timeout(total=timeout)
            )
        except urllib3.exceptions.HTTPError as error:
            raise Unreachable(f"{url} gave no answer: {_reason(error, timeout)}.") from error
        names = {name.lower(): value for name, value in answer.headers.items()}
        return Response(answer.status, names, answer.data, (time.monotonic() - started) * 1000)

    @cached_property
    def _pool(self) -> urllib3.PoolManager:
        import urllib3

        return urllib3.PoolManager(retries=False)


def _reason(error: Exception, timeout: float) -> str:
    from urllib3.exceptions import NewConnectionError, ProtocolError, SSLError, TimeoutError

    if isinstance(error, SSLError):
        return f"TLS failed: {error}"
    if isinstance(error, ProtocolError):
        return "the connection was cut off"
    if isinstance(error, TimeoutError) and not isinstance(error, NewConnectionError):
        return f"nothing came within {timeout:.0f} s"
    # urllib3 puts the connection object in front of what the system said
    return str(error).rpartition(": ")[2].rstrip(".") or type(error).__name__

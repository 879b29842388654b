"""Records what AWS's tools ask: a loopback address between them and the local AWS, which answers as it always does.

boto3, terraform's provider and bentoctl's operator are led here by AWS_ENDPOINT_URL, as a target's environment says it.
"""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from aws_wire import Call, Sent, read
from werkzeug.wrappers import Request, Response

from deployer.local.server import Listener
from deployer.targets import Environment, Target

OF_ONE_CONNECTION = ("connection", "transfer-encoding", "keep-alive", "content-length")
LONGEST_ANSWER = 600  # seconds


class Recorder:
    """Forwards each request as it came and keeps it, under the name of what is being done. Answers until `close`."""

    def __init__(self) -> None:
        self._sent: list[tuple[str, Sent]] = []
        self._doing, self._upstream = "", ""
        self._listener = Listener(self._answer)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.port}"

    def led_here(self, environment: Environment) -> Environment:
        """The environment with this address for AWS; what was there before is where requests go on to."""
        self._upstream = environment.variables["AWS_ENDPOINT_URL"]
        return replace(environment, variables={**environment.variables, "AWS_ENDPOINT_URL": self.url})

    @contextmanager
    def during(self, what: str) -> Iterator[None]:
        """The requests of the block are kept under this name."""
        self._doing = what
        try:
            yield
        finally:
            self._doing = ""

    def calls(self) -> tuple[tuple[str, Call], ...]:
        """What was being done, and the call, in their order. Raises ValueError for a request that is no call."""
        return tuple((doing, read(sent)) for doing, sent in self._sent)

    def close(self) -> None:
        self._listener.close()
        self._listener.wait_until_closed()

    def _answer(self, request: Request) -> Response:
        body, uri = request.get_data(), request.environ["REQUEST_URI"]
        headers = [(name, value) for name, value in request.headers.items() if name.lower() not in OF_ONE_CONNECTION]
        status, answered, content = self._forwarded(request.method, uri, headers, body)
        named = {name.lower(): value for name, value in headers}
        self._sent.append((self._doing, Sent(request.method, uri, named, body, status)))
        response = Response(content, status=status)
        response.headers.clear()
        response.headers.extend((name, value) for name, value in answered if name.lower() not in OF_ONE_CONNECTION)
        length = {name.lower(): value for name, value in answered}.get("content-length", str(len(content)))
        response.headers["Content-Length"] = length
        return response

    def _forwarded(
        self, method: str, uri: str, headers: list[tuple[str, str]], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """The path is sent on letter for letter: botocore and the provider escape it differently."""
        connection = http.client.HTTPConnection(urlsplit(self._upstream).netloc, timeout=LONGEST_ANSWER)
        try:
            connection.putrequest(method, uri, skip_host=True, skip_accept_encoding=True)
            for name, value in (*headers, ("Content-Length", str(len(body)))):
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()


@dataclass(frozen=True)
class RecordedTarget:
    """A target whose environments lead to the recorder."""

    target: Target
    recorder: Recorder

    @property
    def name(self) -> str:
        return self.target.name

    def prepare(self, **asked: Any) -> Environment:
        return self.recorder.led_here(self.target.prepare(**asked))

    def reach(self, **asked: Any) -> Environment:
        return self.recorder.led_here(self.target.reach(**asked))

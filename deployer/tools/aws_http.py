"""HTTP requests to one version of a function without a URL: each is sent as the event that a Function URL makes of it.

So a version can be tested while no alias stands for it. Lambda's own refusals come as the status that a Function URL
answers in their place. No boto3 here: `lambda_` is its client for Lambda, which must not ask twice by itself.
"""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

from deployer.tools.aws_errors import code
from deployer.tools.aws_invoke import log_lines
from deployer.tools.http import Response, Unreachable
from deployer.tools.http_integration import DELIMITER, whole
from deployer.tools.payload_v2 import HttpRequest, HttpResponse, failed, to_event, to_response

# An image that was not used for weeks is made ready again by the first request, which is refused ("Lambda function
# states" in the developer guide); an image that cannot be read is a failed function.
_STATUS = {
    "TooManyRequestsException": 429,
    "ResourceConflictException": 503,
    "ResourceNotReadyException": 503,
    "ServiceException": 503,
    "InvalidRuntimeException": 502,
    "RequestTooLargeException": 413,
}


class VersionHttp:
    """An `Http` for the addresses below `base`. `log` are the log's last lines of the last request.

    Raises Unreachable where no answer comes in time, DeployerError where AWS refuses for other reasons.
    """

    def __init__(
        self,
        lambda_: Callable[[float], Any],
        function: str,
        version: str,
        *,
        region: str,
        explained: Callable[[str], AbstractContextManager[None]],
    ) -> None:
        """`lambda_` makes a client that waits so many seconds for an answer."""
        self._lambda, self._function, self._version = lambda_, function, version
        self._region, self._explained = region, explained
        self.log: tuple[str, ...] = ()

    @property
    def base(self) -> str:
        """A URL for people to read; only its path and query reach the function."""
        return f"lambda://{self._function}:{self._version}/"

    def send(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes = b"", timeout: float) -> Response:
        payload, started = self._event(method, url, headers, body), time.monotonic()
        with self._explained(f"Invoking version {self._version} of {self._function}"):
            try:
                made = self._invoked(payload, timeout)
            except (ConnectionError, HTTPClientError) as error:
                raise Unreachable(f"{url} gave no answer: {' '.join(str(error).split())}") from error
        names = {name.lower(): value for name, value in made.headers}
        return Response(made.status, names, made.body, (time.monotonic() - started) * 1000)

    def _event(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
        parts, host = urlsplit(url), f"{self._function}.lambda-url.{self._region}.on.aws"
        sent = {"host": host, "x-forwarded-proto": "https", "x-forwarded-port": "443", **headers}
        request = HttpRequest(method, parts.path or "/", parts.query, list(sent.items()), body)
        event = to_event(request, url_id=self._function, region=self._region, request_id=str(uuid.uuid4()))
        return json.dumps(event).encode()

    def _invoked(self, payload: bytes, timeout: float) -> HttpResponse:
        try:
            said = self._lambda(timeout).invoke(
                FunctionName=self._function, Qualifier=self._version, Payload=payload, LogType="Tail"
            )
            answer = said["Payload"].read()
        except ClientError as error:
            if code(error) not in _STATUS:
                raise
            return _refused(_STATUS[code(error)], error)
        self.log = tuple(log_lines(base64.b64decode(said.get("LogResult", ""))))
        return _response(answer, error=str(said.get("FunctionError", "")))


def _refused(status: int, error: ClientError) -> HttpResponse:
    message = str(error.response.get("Error", {}).get("Message", ""))
    return HttpResponse(status, (("Content-Type", "application/json"),), json.dumps({"Message": message}).encode())


def _response(payload: bytes, *, error: str) -> HttpResponse:
    """A streamed response, which is collected by Invoke, or one that is not."""
    if error or DELIMITER not in payload:
        return to_response(payload, error=error)
    try:
        return whole(payload)
    except ValueError:
        return failed()

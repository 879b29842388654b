"""The Lambda Runtime API of one execution environment, on an address of its own.

The address carries no path: awslambdaric reports a failed import through http.client, which takes host and port only.
"""

from __future__ import annotations

import json
import re

from werkzeug.wrappers import Request, Response

from deployer.local.execution_environment import ExecutionEnvironment
from deployer.local.invocation import PAYLOAD_LIMIT
from deployer.local.streamed_post import RESPONSE_MODE, take

BASE = "/2018-06-01/runtime"
RESULT = re.compile(BASE + r"/invocation/(?P<id>[0-9a-f-]{36})/(?P<kind>response|error)")
BODY_LIMIT = PAYLOAD_LIMIT + 1  # enough to see that a result is too large


class RuntimeApi:
    """Answers the runtime's requests from the environment that it belongs to."""

    def __init__(self, environment: ExecutionEnvironment) -> None:
        self._environment = environment

    def answer(self, request: Request) -> Response:
        if request.method == "GET" and request.path == f"{BASE}/invocation/next":
            return self._next()
        if request.method == "POST" and request.path == f"{BASE}/init/error":
            self._environment.init_failed(request.get_data())
            return _status(202)
        match = RESULT.fullmatch(request.path)
        if request.method != "POST" or match is None:
            return _status(404)
        return self._result(match["id"], match["kind"], request)

    def _next(self) -> Response:
        given = self._environment.next()
        if given is None:
            return _status(410)
        invocation, deadline = given
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int(deadline * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": invocation.arn,
        }
        if invocation.client_context:
            headers["Lambda-Runtime-Client-Context"] = invocation.client_context
        return Response(invocation.payload, headers=headers, content_type="application/json")

    def _result(self, request_id: str, kind: str, request: Request) -> Response:
        if kind == "response" and request.headers.get(RESPONSE_MODE, "").lower() == "streaming":
            return _status(take(request, request_id, environment=self._environment))
        body = request.stream.read(BODY_LIMIT)
        if kind == "error":
            return _status(202 if self._environment.fail(request_id, body) else 400)
        if self._environment.respond(request_id, body):
            return _status(202)
        return _status(413 if len(body) > PAYLOAD_LIMIT else 400)


def _status(status: int) -> Response:
    body = json.dumps({"status": "OK" if status < 400 else "ERROR"})
    return Response(body, status=status, content_type="application/json")

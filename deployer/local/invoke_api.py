"""Lambda's Invoke: at once (RequestResponse), later (Event) or not at all (DryRun)."""

from __future__ import annotations

import json
import threading
from base64 import b64encode

from werkzeug.wrappers import Request, Response

from deployer.local.alias_routing import AliasRouting
from deployer.local.functions import FunctionName, FunctionVersion, NoSuchFunction
from deployer.local.invocation import PAYLOAD_LIMIT, CannotRun, Invocation, Throttled
from deployer.local.lambda_metrics import Invoker
from deployer.local.server import error


class InvokeApi:
    """A qualifier is a version, an alias or empty; an alias may draw between two versions."""

    def __init__(self, routing: AliasRouting, invoker: Invoker) -> None:
        self._routing, self._invoker = routing, invoker

    def answer(self, request: Request, function: FunctionName, qualifier: str) -> Response:
        if (request.content_length or 0) > PAYLOAD_LIMIT:
            message = f"Request must be smaller than {PAYLOAD_LIMIT} bytes for the InvokeFunction operation"
            return error(413, message, kind="RequestTooLargeException")
        try:
            version = self._routing.version(function, qualifier)
        except NoSuchFunction as missing:
            return error(404, str(missing), kind="ResourceNotFoundException")
        payload = request.get_data() or b"{}"
        if not _is_json(payload):
            return error(400, "Could not parse request body into json", kind="InvalidRequestContentException")
        arn = f"{function.arn}:{qualifier}" if qualifier else function.arn
        invocation = Invocation(payload, arn, client_context=request.headers.get("X-Amz-Client-Context", ""))
        match request.headers.get("X-Amz-Invocation-Type", "RequestResponse"):
            case "DryRun":
                return Response(status=204)
            case "Event":
                return self._later(version, invocation)
        return self._now(version, invocation, want_log=request.headers.get("X-Amz-Log-Type") == "Tail")

    def _now(self, version: FunctionVersion, invocation: Invocation, *, want_log: bool) -> Response:
        try:
            answer = self._invoker.invoke(version, invocation, want_log=want_log)
        except Throttled:
            return error(429, "Rate Exceeded.", kind="TooManyRequestsException")
        except CannotRun as impossible:
            return error(502, str(impossible), kind="InvalidRuntimeException")
        headers = {"X-Amz-Executed-Version": answer.version, "x-amzn-RequestId": answer.request_id}
        if answer.error:
            headers["X-Amz-Function-Error"] = answer.error
        if want_log:
            headers["X-Amz-Log-Result"] = b64encode(answer.log.encode()).decode()
        return Response(answer.payload, headers=headers, content_type=answer.content_type)

    def _later(self, version: FunctionVersion, invocation: Invocation) -> Response:
        """Accepted at once and run once: a failed event is not tried again."""
        later = threading.Thread(target=self._now, args=(version, invocation), kwargs={"want_log": False}, daemon=True)
        later.start()
        return Response(status=202, headers={"x-amzn-RequestId": invocation.request_id})


def _is_json(payload: bytes) -> bool:
    try:
        json.loads(payload)
    except ValueError:
        return False
    return True

"""Function URLs over HTTP: `/lambda-url/<id>/…` answered by the function or alias that the URL belongs to."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from werkzeug.wrappers import Request, Response

from deployer.local.alias_routing import AliasRouting
from deployer.local.control_plane import ControlPlane
from deployer.local.cors import Cors, is_preflight
from deployer.local.functions import FunctionVersion, NoSuchFunction
from deployer.local.http_exchange import collected, made, raw_path, sent, signed, signer
from deployer.local.invocation import PAYLOAD_LIMIT, Answer, CannotRun, Invocation, Throttled, new_request_id
from deployer.local.lambda_metrics import Invoker
from deployer.local.live_response import BrokenOff, LiveResponse
from deployer.local.permissions import is_public
from deployer.local.server import error
from deployer.local.signature import Keys
from deployer.local.streamed_url import Running, streamed
from deployer.local.url_configs import UrlConfig, UrlConfigs
from deployer.tools.payload_v2 import HttpRequest, failed, to_event

PREFIX = re.compile(r"/lambda-url/(?P<id>[a-z0-9]{32})(?P<rest>/[^?]*)?")

STREAM = "RESPONSE_STREAM"


class FunctionUrls:
    """Aliases are resolved at each request, so that a moved alias counts at once."""

    def __init__(
        self, control_plane: ControlPlane, routing: AliasRouting, invoker: Invoker, urls: UrlConfigs, keys: Keys
    ) -> None:
        self._control_plane, self._routing, self._invoker = control_plane, routing, invoker
        self._urls, self._keys = urls, keys

    def answer(self, request: Request) -> Response:
        match = PREFIX.match(raw_path(request))
        config = self._urls.by_id(match["id"]) if match else None
        if match is None or config is None:
            return _message(404, "There is no such function URL.")
        cors = Cors.of(config.cors) if config.cors else None
        if cors and is_preflight(request):  # by the URL itself: nobody signs one, and the function is not asked
            return cors.preflight(request, status=200)
        response = self._answer(request, config, match["rest"] or "/")
        if cors:  # beside what the function says: browsers refuse an origin that is allowed twice
            cors.add_to(response, request)
        return response

    def _answer(self, request: Request, config: UrlConfig, path: str) -> Response:
        if (request.content_length or 0) > PAYLOAD_LIMIT:
            return _message(413, f"Request must be smaller than {PAYLOAD_LIMIT} bytes for the InvokeFunction operation")
        body = request.get_data()
        if not self._allowed(request, config, body):
            return _message(403, "Forbidden")
        return self._invoke(config, sent(request, path, body))

    def _allowed(self, request: Request, config: UrlConfig, body: bytes) -> bool:
        if config.auth_type == "AWS_IAM":
            return signed(request, body, keys=self._keys, service="lambda", region=config.function.region)
        try:
            statements = self._control_plane.statements(config.function)
        except NoSuchFunction:
            return False
        return is_public(statements, arn=config.arn, auth_type=config.auth_type)

    def _invoke(self, config: UrlConfig, http: HttpRequest) -> Response:
        request_id = new_request_id()
        caller = signer(self._keys, config.function.account) if config.auth_type == "AWS_IAM" else None
        event = to_event(
            http, url_id=config.id, region=config.function.region, request_id=request_id, authorizer=caller
        )
        try:
            version = self._routing.version(config.function, config.qualifier)
            invocation = Invocation(json.dumps(event).encode(), config.arn, request_id=request_id)
            response = self._answered(config, version, invocation, method=http.method)
        except NoSuchFunction as missing:
            return error(404, str(missing))
        except Throttled:
            return _message(429, "Rate Exceeded.")
        except CannotRun as impossible:
            return _message(502, str(impossible))
        response.headers["x-amzn-RequestId"] = request_id
        return response

    def _answered(
        self, config: UrlConfig, version: FunctionVersion, invocation: Invocation, *, method: str
    ) -> Response:
        """Whole, or as it comes where the URL streams and the function does too."""
        if config.invoke_mode != STREAM:
            return _whole(self._invoker.invoke(version, invocation))
        live = LiveResponse()
        asked = replace(invocation, live=live)
        running = Running(lambda: self._invoker.invoke(version, asked), live)
        if not live.wait():
            return _whole(running.answer())
        try:
            return streamed(live, method=method)
        except (BrokenOff, ValueError):
            return made(failed())


def _whole(answer: Answer) -> Response:
    try:
        return made(collected(answer))
    except ValueError:
        return made(failed())


def _message(status: int, message: str) -> Response:
    return Response(json.dumps({"Message": message}), status=status, content_type="application/json")

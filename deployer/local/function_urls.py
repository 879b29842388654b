"""Function URLs over HTTP: `/lambda-url/<id>/…` answered by the function or alias that the URL belongs to."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from werkzeug.wrappers import Request, Response

from deployer.local.alias_routing import AliasRouting
from deployer.local.control_plane import ControlPlane
from deployer.local.functions import FunctionVersion, NoSuchFunction
from deployer.local.invocation import PAYLOAD_LIMIT, Answer, CannotRun, Invocation, Throttled, new_request_id
from deployer.local.lambda_metrics import Invoker
from deployer.local.live_response import BrokenOff, LiveResponse
from deployer.local.server import error
from deployer.local.signature import Keys, SignedRequest, is_signed
from deployer.local.streamed_url import Running, streamed
from deployer.local.url_configs import UrlConfig, UrlConfigs
from deployer.tools.http_integration import CONTENT_TYPE, whole
from deployer.tools.payload_v2 import HttpRequest, HttpResponse, failed, to_event, to_response

PREFIX = re.compile(r"/lambda-url/(?P<id>[a-z0-9]{32})(?P<rest>/[^?]*)?")

STREAM = "RESPONSE_STREAM"
OF_THE_SERVER = ("content-length", "connection", "transfer-encoding")
PUBLIC_ACTIONS = ("lambda:InvokeFunctionUrl", "lambda:InvokeFunction")  # AWS asks for both since October 2025


class FunctionUrls:
    """Aliases are resolved at each request, so that a moved alias counts at once."""

    def __init__(
        self, control_plane: ControlPlane, routing: AliasRouting, invoker: Invoker, urls: UrlConfigs, keys: Keys
    ) -> None:
        self._control_plane, self._routing, self._invoker = control_plane, routing, invoker
        self._urls, self._keys = urls, keys

    def answer(self, request: Request) -> Response:
        match = PREFIX.match(request.environ.get("REQUEST_URI", request.path))
        config = self._urls.by_id(match["id"]) if match else None
        if match is None or config is None:
            return _message(404, "There is no such function URL.")
        if (request.content_length or 0) > PAYLOAD_LIMIT:
            return _message(413, f"Request must be smaller than {PAYLOAD_LIMIT} bytes for the InvokeFunction operation")
        body = request.get_data()
        if not self._allowed(request, config, body):
            return _message(403, "Forbidden")
        return self._invoke(config, _http(request, match["rest"] or "/", body))

    def _allowed(self, request: Request, config: UrlConfig, body: bytes) -> bool:
        if config.auth_type == "AWS_IAM":
            return is_signed(
                SignedRequest(request.method, _url(request), _headers(request), body),
                keys=self._keys,
                service="lambda",
                region=config.function.region,
            )
        try:
            statements = self._control_plane.statements(config.function)
        except NoSuchFunction:
            return False
        return all(any(_allows(one, action, config) for one in statements) for action in PUBLIC_ACTIONS)

    def _invoke(self, config: UrlConfig, http: HttpRequest) -> Response:
        request_id = new_request_id()
        signer = self._signer(config) if config.auth_type == "AWS_IAM" else None
        event = to_event(
            http, url_id=config.id, region=config.function.region, request_id=request_id, authorizer=signer
        )
        try:
            version = self._routing.version(config.function, config.qualifier)
            invocation = Invocation(json.dumps(event).encode(), config.arn, request_id=request_id)
            made = self._answered(config, version, invocation, method=http.method)
        except NoSuchFunction as missing:
            return error(404, str(missing))
        except Throttled:
            return _message(429, "Rate Exceeded.")
        except CannotRun as impossible:
            return _message(502, str(impossible))
        made.headers["x-amzn-RequestId"] = request_id
        return made

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
            return _made(failed())

    def _signer(self, config: UrlConfig) -> Mapping[str, Any]:
        account = config.function.account
        return {
            "accessKey": self._keys.access_key_id,
            "accountId": account,
            "callerId": account,
            "cognitoIdentity": None,
            "principalOrgId": None,
            "userArn": f"arn:aws:iam::{account}:root",
            "userId": account,
        }


def _allows(statement: Mapping[str, object], action: str, config: UrlConfig) -> bool:
    """A statement that lets everybody do this with exactly the URL's qualifier."""
    return (
        statement.get("Effect") == "Allow"
        and statement.get("Action") in (action, "lambda:*")
        and statement.get("Principal") in ("*", {"AWS": "*"})
        and statement.get("Resource") == config.arn
    )


def _whole(answer: Answer) -> Response:
    if answer.content_type != CONTENT_TYPE or answer.error:
        return _made(to_response(answer.payload, error=answer.error))
    try:
        return _made(whole(answer.payload))
    except ValueError:
        return _made(failed())


def _made(response: HttpResponse) -> Response:
    made = Response(response.body, status=response.status)
    made.headers.clear()
    for name, value in response.headers:
        if name.lower() not in OF_THE_SERVER:
            made.headers.add(name, value)
    made.headers["Content-Length"] = str(len(response.body))
    return made


def _http(request: Request, path: str, body: bytes) -> HttpRequest:
    source = request.remote_addr or "127.0.0.1"
    forwarded = [("x-forwarded-for", source), ("x-forwarded-proto", "http"), ("x-forwarded-port", _port(request))]
    return HttpRequest(
        method=request.method,
        path=path,
        query=request.query_string.decode("latin-1"),
        headers=[*request.headers.items(), *forwarded],
        body=body,
        source_ip=source,
        protocol=request.environ.get("SERVER_PROTOCOL", "HTTP/1.1"),
    )


def _port(request: Request) -> str:
    return str(request.environ.get("SERVER_PORT", ""))


def _headers(request: Request) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}


def _url(request: Request) -> str:
    """The URL as the client wrote and signed it."""
    return f"http://{request.headers.get('Host', '')}{request.environ.get('REQUEST_URI', request.path)}"


def _message(status: int, message: str) -> Response:
    return Response(json.dumps({"Message": message}), status=status, content_type="application/json")

"""HTTP APIs over HTTP: `/http-api/<id>[/<stage>]/…` answered by the function or alias that the route leads to.

Throttling is not modelled. What the API itself answers is `{"message": …}`, as API Gateway writes it.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooSlow
from dataclasses import dataclass

from werkzeug.wrappers import Request, Response

from deployer.local import payload_v1
from deployer.local.alias_routing import AliasRouting
from deployer.local.api_requests import function_of
from deployer.local.control_plane import ControlPlane
from deployer.local.cors import Cors, is_preflight, remove_from
from deployer.local.functions import FunctionName, NoSuchFunction
from deployer.local.http_api import HttpApi, Integration, Route
from deployer.local.http_exchange import collected, made, raw_path, sent, signed, signer
from deployer.local.invocation import PAYLOAD_LIMIT, Answer, CannotRun, Invocation, Throttled, new_request_id
from deployer.local.lambda_metrics import Invoker
from deployer.local.permissions import Asked, allowed
from deployer.local.signature import Keys
from deployer.tools import payload_v2
from deployer.tools.payload_v2 import Entrance, HttpRequest, HttpResponse

PREFIX = re.compile(r"/http-api/(?P<id>[a-z0-9]+)(?P<rest>/[^?]*)?")
REQUEST_LIMIT = 10 * 1024 * 1024  # bytes of a request's body
SERVICE = "apigateway.amazonaws.com"


@dataclass(frozen=True)
class Payload:
    """A version of the events that a function gets, and of the results that are understood."""

    entered: Callable[..., Mapping[str, object]]
    meant: Callable[[bytes], HttpResponse]


PAYLOADS = {
    "1.0": Payload(payload_v1.entered, payload_v1.meant),
    "2.0": Payload(payload_v2.entered, payload_v2.meant),
}


@dataclass(frozen=True)
class Chosen:
    """What a request leads to: `path` is as it was sent, a named stage being its first part."""

    api: HttpApi
    stage: str
    route: Route
    variables: Mapping[str, str]
    path: str

    @property
    def is_private(self) -> bool:
        return self.route.authorization == "AWS_IAM"

    @property
    def entrance(self) -> Entrance:
        return Entrance(
            self.api.id,
            self.api.domain,
            self.api.account,
            stage=self.stage,
            route_key=self.route.key,
            path_parameters=self.variables,
            stage_variables=self.api.stages[self.stage],
        )


class HttpApis:
    """APIs and aliases are read at each request, so that a change counts at once; `find` knows an API by its id."""

    def __init__(
        self,
        control_plane: ControlPlane,
        routing: AliasRouting,
        invoker: Invoker,
        find: Callable[[str], HttpApi | None],
        keys: Keys,
    ) -> None:
        self._control_plane, self._routing, self._invoker = control_plane, routing, invoker
        self._find, self._keys = find, keys

    def answer(self, request: Request) -> Response:
        match = PREFIX.match(raw_path(request))
        api = self._find(match["id"]) if match else None
        path = (match["rest"] if match else None) or "/"
        staged = api.stage_of(path) if api else None
        if api is None or staged is None:
            return _message(404, "Not Found")
        stage, within = staged
        found, cors = api.route_of(request.method, within), Cors.of(api.cors) if api.cors else None
        if found is not None:
            return self._answer(request, Chosen(api, stage, *found, path), cors)
        return cors.preflight(request, status=204) if cors and is_preflight(request) else _message(404, "Not Found")

    def _answer(self, request: Request, chosen: Chosen, cors: Cors | None) -> Response:
        """A preflight that a route catches needs that route's authorization, and is the API's to answer even then."""
        if (request.content_length or 0) > REQUEST_LIMIT:
            return _message(413, "Request Entity Too Large")
        body = request.get_data()
        if not self._may_ask(request, chosen, body):
            return _message(403, "Forbidden")
        if cors and is_preflight(request):
            return cors.preflight(request, status=204)
        response = self._integrated(chosen, sent(request, chosen.path, body))
        if cors:
            remove_from(response)
            cors.add_to(response, request)
        return response

    def _may_ask(self, request: Request, chosen: Chosen, body: bytes) -> bool:
        """Anybody, who signs the request, or, where the route has an authorizer, nobody: there are none here."""
        if chosen.is_private:
            return signed(request, body, keys=self._keys, service="execute-api", region=chosen.api.region)
        return chosen.route.authorization == "NONE"

    def _integrated(self, chosen: Chosen, http: HttpRequest) -> Response:
        integration, request_id = chosen.route.integration, new_request_id()
        function = _function(integration) if integration else None
        if integration is None or function is None or not self._permitted(chosen, *function):
            return _message(500, "Internal Server Error")
        payload = PAYLOADS[integration.payload]
        caller = signer(self._keys, chosen.api.account) if chosen.is_private else None
        asked = payload.entered(http, chosen.entrance, request_id=request_id, authorizer=caller)
        event = json.dumps(asked).encode()
        if len(event) > PAYLOAD_LIMIT:
            return _message(413, "Request Entity Too Large")
        invocation = Invocation(event, integration.function, request_id=request_id)
        response = self._within(integration, payload, *function, invocation)
        response.headers["Apigw-Requestid"] = request_id
        return response

    def _permitted(self, chosen: Chosen, function: FunctionName, qualifier: str) -> bool:
        """Whether the policy of exactly this qualifier lets API Gateway invoke it for this API, stage and route."""
        facts = {
            "aws:SourceArn": chosen.api.source_arn(chosen.stage, chosen.route),
            "aws:SourceAccount": chosen.api.account,
        }
        resource = f"{function.arn}:{qualifier}" if qualifier else function.arn
        asked = Asked(SERVICE, "lambda:InvokeFunction", resource, facts)
        try:
            return allowed(self._control_plane.statements(function), asked)
        except NoSuchFunction:
            return False

    def _within(
        self, integration: Integration, payload: Payload, function: FunctionName, qualifier: str, invocation: Invocation
    ) -> Response:
        """The function goes on when the API has given up."""
        try:
            version = self._routing.version(function, qualifier)
            answer = _begun(lambda: self._invoker.invoke(version, invocation)).result(integration.seconds)
            return made(collected(answer, meant=payload.meant))
        except (TooSlow, Throttled):
            return _message(503, "Service Unavailable")
        except (NoSuchFunction, CannotRun, ValueError):
            return _message(500, "Internal Server Error")


def _function(integration: Integration) -> tuple[FunctionName, str] | None:
    if not integration.function:
        return None
    _, _, _, region, account, *_ = integration.function.split(":")
    return function_of(integration.function, account=account, region=region)


def _begun(invoke: Callable[[], Answer]) -> Future[Answer]:
    ended: Future[Answer] = Future()

    def run() -> None:
        try:
            ended.set_result(invoke())
        except Exception as error:  # raised again where the client waits
            ended.set_exception(error)

    threading.Thread(target=run, name="http-api-invocation", daemon=True).start()
    return ended


def _message(status: int, message: str) -> Response:
    body = json.dumps({"message": message}, separators=(",", ":"))
    return Response(body, status=status, content_type="application/json")

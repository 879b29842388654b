"""The part of Lambda's control plane that moto leaves open: Invoke, function URLs, and what a change of code needs.

Everything else goes through to moto. `LambdaApi.answer` returns None for what it does not handle.
"""

from __future__ import annotations

import io
import json
import re
import threading
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from werkzeug.wrappers import Request, Response

from deployer.local.data_plane import DataPlane
from deployer.local.ecr import parse_uri
from deployer.local.functions import LATEST, FunctionName, FunctionVersion, NoSuchFunction
from deployer.local.invocation import PAYLOAD_LIMIT, CannotRun, Invocation, Throttled
from deployer.local.moto_aws import ACCOUNT, MotoAws
from deployer.local.server import Wsgi, error
from deployer.local.url_configs import UrlConfig, UrlConfigs

PATH = re.compile(r"/20\d\d-\d\d-\d\d/functions(?:/(?P<name>[^/]+)(?:/(?P<part>[a-z-]+))?)?/?")
REGION = re.compile(r"Credential=[^/]+/\d{8}/(?P<region>[^/]+)/lambda/aws4_request")
NAME = re.compile(
    r"(?:arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:|\d{12}:function:)?(?P<name>[\w-]+)(?::(?P<qualifier>[\w$-]+))?"
)


class LambdaApi:
    """Answers Lambda requests of every region; `gateway` is where function URLs point.

    `on_image` hears the digest of each image that a function is given.
    """

    def __init__(
        self,
        aws: MotoAws,
        data_plane: DataPlane,
        urls: UrlConfigs,
        *,
        gateway: str,
        on_image: Callable[[str], None] = lambda digest: None,
    ) -> None:
        self._aws, self._data_plane, self._urls, self._gateway = aws, data_plane, urls, gateway
        self._on_image = on_image

    def answer(self, request: Request) -> Wsgi | None:
        region = REGION.search(request.headers.get("Authorization", ""))
        path = PATH.fullmatch(request.path)
        if region is None or path is None:
            return None
        if path["name"] is None:
            return self._create(request, region["region"]) if request.method == "POST" else None
        named = NAME.fullmatch(unquote(path["name"]))
        if named is None:
            return None
        function = FunctionName(ACCOUNT, region["region"], named["name"])
        qualifier = named["qualifier"] or request.args.get("Qualifier", "")
        return self._function(request, function, qualifier, path["part"] or "")

    def _function(self, request: Request, function: FunctionName, qualifier: str, part: str) -> Wsgi | None:
        if part in ("url", "urls"):
            return self._url(request, function, qualifier, part)
        if (request.method, part) == ("POST", "invocations"):
            return self._invoke(request, function, qualifier)
        return self._change(request, function, qualifier, part)

    # invoking

    def _invoke(self, request: Request, function: FunctionName, qualifier: str) -> Response:
        if (request.content_length or 0) > PAYLOAD_LIMIT:
            message = f"Request must be smaller than {PAYLOAD_LIMIT} bytes for the InvokeFunction operation"
            return error(413, message, kind="RequestTooLargeException")
        try:
            version = self._aws.version(function, qualifier or LATEST)
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
                return self._invoke_later(version, invocation)
        return self._invoke_now(version, invocation, want_log=request.headers.get("X-Amz-Log-Type") == "Tail")

    def _invoke_now(self, version: FunctionVersion, invocation: Invocation, *, want_log: bool) -> Response:
        try:
            answer = self._data_plane.invoke(version, invocation, want_log=want_log)
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

    def _invoke_later(self, version: FunctionVersion, invocation: Invocation) -> Response:
        """Accepted at once and run once: a failed event is not tried again."""
        later = threading.Thread(
            target=self._invoke_now, args=(version, invocation), kwargs={"want_log": False}, daemon=True
        )
        later.start()
        return Response(status=202, headers={"x-amzn-RequestId": invocation.request_id})

    # function URLs

    def _url(self, request: Request, function: FunctionName, qualifier: str, part: str) -> Response:
        if not self._aws.exists(function):
            return error(404, f"Function not found: {function.arn}", kind="ResourceNotFoundException")
        if part == "urls":
            listed = [config.described(self._gateway) for config in self._urls.of(function)]
            return _json(200, {"FunctionUrlConfigs": listed})
        if request.method == "POST":
            return self._create_url(request, function, qualifier)
        config = self._urls.get(function, qualifier)
        if config is None:
            return error(404, "The resource you requested does not exist.", kind="ResourceNotFoundException")
        if request.method == "DELETE":
            self._urls.delete(config)
            return Response(status=204)
        if request.method == "PUT":
            config = self._urls.update(config, _body(request))
        return _json(200, config.described(self._gateway))

    def _create_url(self, request: Request, function: FunctionName, qualifier: str) -> Response:
        body = _body(request)
        mode, auth = str(body.get("InvokeMode") or "BUFFERED"), str(body.get("AuthType"))
        config = UrlConfig(function, qualifier, auth, invoke_mode=mode, cors=body.get("Cors"))
        if qualifier.isdigit() or auth not in ("NONE", "AWS_IAM"):
            message = "A function URL belongs to the function or an alias, with AuthType NONE or AWS_IAM."
            return error(400, message, kind="ValidationException")
        if not self._urls.create(config):
            return error(
                409, f"Failed to create function url config for {config.arn}", kind="ResourceConflictException"
            )
        return _json(201, config.described(self._gateway))

    # what goes through to moto and is changed on the way

    def _change(self, request: Request, function: FunctionName, qualifier: str, part: str) -> Wsgi | None:
        match (request.method, part):
            case ("PUT", "code"):
                return self._change_code(request, function, _body(request))
            case ("PUT", "configuration"):
                return self._update_configuration(request, function)
            case ("POST", "versions"):
                return self._changed(request, function)
            case ("GET", ""):
                return self._described(request)
            case ("DELETE", ""):
                return self._delete(request, function, qualifier)
        return None

    def _create(self, request: Request, region: str) -> Wsgi:
        body = _body(request)
        named = NAME.fullmatch(str(body.get("FunctionName", "")))
        if named is None:
            return self._pass_through(request)
        return self._change_code(request, FunctionName(ACCOUNT, region, named["name"]), body.get("Code") or {})

    def _change_code(self, request: Request, function: FunctionName, code: Mapping[str, Any]) -> Wsgi:
        uri = code.get("ImageUri")
        digest = self._aws.digest_of_uri(str(uri)) if uri else None
        if uri and digest is None:
            message = f"Source image {uri} does not exist. Provide a valid source image."
            return error(400, message, kind="InvalidParameterValueException")
        if digest:
            self._on_image(digest)
        return self._changed(request, function)

    def _update_configuration(self, request: Request, function: FunctionName) -> Wsgi:
        with self._aws.lock:
            if self._aws.exists(function):
                self._aws.set_what_moto_drops(function, _body(request))
            return self._changed(request, function)

    def _changed(self, request: Request, function: FunctionName) -> Wsgi:
        with self._aws.lock:
            response = self._pass_through(request)
            self._aws.settle(function)
        return response

    def _delete(self, request: Request, function: FunctionName, qualifier: str) -> Wsgi:
        response = self._pass_through(request)
        if response.status_code < 300 and not qualifier:
            self._urls.delete_function(function)
            self._data_plane.end_function(function)
        return response

    def _described(self, request: Request) -> Wsgi:
        """GetFunction with the image's digest where AWS says it."""
        response = self._pass_through(request)
        if response.status_code != 200:
            return response
        body = json.loads(response.get_data())
        parsed = parse_uri(body["Code"].get("ImageUri", ""))
        if parsed is None:
            return response
        repository, _ = parsed
        body["Code"]["ResolvedImageUri"] = f"{repository.uri}@sha256:{body['Configuration']['CodeSha256']}"
        return _json(200, body)

    def _pass_through(self, request: Request) -> Response:
        return Response.from_app(self._aws.application, _replayed(request), buffered=True)


def _replayed(request: Request) -> dict[str, Any]:
    """The request for moto, its body read already."""
    return {**request.environ, "wsgi.input": io.BytesIO(request.get_data())}


def _body(request: Request) -> Mapping[str, Any]:
    body = request.get_json(force=True, silent=True)
    return body if isinstance(body, dict) else {}


def _json(status: int, body: Mapping[str, Any]) -> Response:
    return Response(json.dumps(body), status=status, content_type="application/json")


def _is_json(payload: bytes) -> bool:
    try:
        json.loads(payload)
    except ValueError:
        return False
    return True

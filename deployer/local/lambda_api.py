"""The part of Lambda's control plane that moto leaves open: function URLs, and what a change of code needs.

Everything else goes through to moto. `LambdaApi.answer` returns None for what it does not handle.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from werkzeug.wrappers import Request, Response

from deployer.local.api_requests import body_of, function_of, json_answer, passed_on, region_of
from deployer.local.data_plane import DataPlane
from deployer.local.ecr import parse_uri
from deployer.local.functions import FunctionName
from deployer.local.invoke_api import InvokeApi
from deployer.local.moto_aws import ACCOUNT, MotoAws
from deployer.local.server import Wsgi, error
from deployer.local.url_configs import UrlConfig, UrlConfigs

PATH = re.compile(r"/20\d\d-\d\d-\d\d/functions(?:/(?P<name>[^/]+)(?:/(?P<part>[a-z-]+))?)?/?")


class LambdaApi:
    """Answers Lambda requests of every region; `gateway` is where function URLs point.

    `on_image` hears the digest of each image that a function is given.
    """

    def __init__(
        self,
        aws: MotoAws,
        data_plane: DataPlane,
        urls: UrlConfigs,
        invoke: InvokeApi,
        *,
        gateway: str,
        on_image: Callable[[str], None] = lambda digest: None,
    ) -> None:
        self._aws, self._data_plane, self._urls, self._gateway = aws, data_plane, urls, gateway
        self._invoke, self._on_image = invoke, on_image

    def answer(self, request: Request) -> Wsgi | None:
        region = region_of(request, service="lambda")
        path = PATH.fullmatch(request.path)
        if not region or path is None:
            return None
        if path["name"] is None:
            return self._create(request, region) if request.method == "POST" else None
        named = function_of(path["name"], account=ACCOUNT, region=region)
        if named is None:
            return None
        function, qualifier = named
        return self._function(request, function, qualifier or request.args.get("Qualifier", ""), path["part"] or "")

    def _function(self, request: Request, function: FunctionName, qualifier: str, part: str) -> Wsgi | None:
        if part in ("url", "urls"):
            return self._url(request, function, qualifier, part)
        if (request.method, part) == ("POST", "invocations"):
            return self._invoke.answer(request, function, qualifier)
        return self._change(request, function, qualifier, part)

    # function URLs

    def _url(self, request: Request, function: FunctionName, qualifier: str, part: str) -> Response:
        if not self._aws.exists(function):
            return error(404, f"Function not found: {function.arn}", kind="ResourceNotFoundException")
        if part == "urls":
            listed = [config.described(self._gateway) for config in self._urls.of(function)]
            return json_answer(200, {"FunctionUrlConfigs": listed})
        if request.method == "POST":
            return self._create_url(request, function, qualifier)
        config = self._urls.get(function, qualifier)
        if config is None:
            return error(404, "The resource you requested does not exist.", kind="ResourceNotFoundException")
        if request.method == "DELETE":
            self._urls.delete(config)
            return Response(status=204)
        if request.method == "PUT":
            config = self._urls.update(config, body_of(request))
        return json_answer(200, config.described(self._gateway))

    def _create_url(self, request: Request, function: FunctionName, qualifier: str) -> Response:
        body = body_of(request)
        mode, auth = str(body.get("InvokeMode") or "BUFFERED"), str(body.get("AuthType"))
        config = UrlConfig(function, qualifier, auth, invoke_mode=mode, cors=body.get("Cors"))
        if qualifier.isdigit() or auth not in ("NONE", "AWS_IAM"):
            message = "A function URL belongs to the function or an alias, with AuthType NONE or AWS_IAM."
            return error(400, message, kind="ValidationException")
        if not self._urls.create(config):
            return error(
                409, f"Failed to create function url config for {config.arn}", kind="ResourceConflictException"
            )
        return json_answer(201, config.described(self._gateway))

    # what goes through to moto and is changed on the way

    def _change(self, request: Request, function: FunctionName, qualifier: str, part: str) -> Wsgi | None:
        match (request.method, part):
            case ("PUT", "code"):
                return self._change_code(request, function, body_of(request))
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
        body = body_of(request)
        named = function_of(str(body.get("FunctionName", "")), account=ACCOUNT, region=region)
        if named is None:
            return self._pass_through(request)
        return self._change_code(request, named[0], body.get("Code") or {})

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
                self._aws.set_what_moto_drops(function, body_of(request))
            return self._changed(request, function)

    def _changed(self, request: Request, function: FunctionName) -> Wsgi:
        with self._aws.lock:
            response = self._pass_through(request)
            self._aws.settle(function)
        return response

    def _delete(self, request: Request, function: FunctionName, qualifier: str) -> Wsgi:
        referring = self._referring(function, qualifier) if qualifier else ()
        if referring:
            message = f"Unable to delete version because the following aliases reference it: [{', '.join(referring)}]"
            return error(409, message, kind="ResourceConflictException")
        response = self._pass_through(request)
        if response.status_code < 300 and not qualifier:
            self._urls.delete_function(function)
            self._data_plane.end_function(function)
        return response

    def _referring(self, function: FunctionName, version: str) -> Sequence[str]:
        """The aliases that stand for a version, or send it a share of their invocations."""
        aliases = self._aws.aliases(function) if self._aws.exists(function) else {}
        return [name for name, alias in aliases.items() if version == alias.version or version in alias.weights]

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
        return json_answer(200, body)

    def _pass_through(self, request: Request) -> Response:
        return passed_on(self._aws.application, request)

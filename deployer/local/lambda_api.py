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
from deployer.local.functions import LATEST, FunctionName, NoSuchFunction
from deployer.local.invoke_api import InvokeApi
from deployer.local.lambda_limits import require_description, require_tags
from deployer.local.moto_aws import ACCOUNT, MotoAws
from deployer.local.refusal import Refused, conflict, not_found
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
        try:
            if path["name"] is None:
                return self._create(request, region) if request.method == "POST" else None
            named = function_of(path["name"], account=ACCOUNT, region=region)
            if named is None:
                return None
            function, qualifier = named
            return self._function(request, function, qualifier or request.args.get("Qualifier", ""), path["part"] or "")
        except NoSuchFunction as missing:
            return not_found(str(missing)).answer
        except Refused as refused:
            return refused.answer

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
        if qualifier and qualifier not in self._aws.aliases(function):
            return error(404, f"Function not found: {config.arn}", kind="ResourceNotFoundException")
        if not self._urls.create(config):
            return error(
                409, f"Failed to create function url config for {config.arn}", kind="ResourceConflictException"
            )
        return json_answer(201, config.described(self._gateway))

    # what goes through to moto and is changed on the way

    def _change(self, request: Request, function: FunctionName, qualifier: str, part: str) -> Wsgi | None:
        match (request.method, part):
            case ("PUT", "code"):
                return self._update_code(request, function)
            case ("PUT", "configuration"):
                return self._update_configuration(request, function)
            case ("GET", "" | "configuration"):
                return self._described(request, function, qualifier)
            case ("DELETE", ""):
                return self._delete_version(function, qualifier) if qualifier else self._delete(request, function)
        return None

    def _create(self, request: Request, region: str) -> Wsgi:
        body = body_of(request)
        named = function_of(str(body.get("FunctionName", "")), account=ACCOUNT, region=region)
        if named is None:
            return self._pass_through(request)
        require_description(body)
        require_tags(body.get("Tags") or {}, kept={})
        self._require_image(body.get("Code") or {})
        return self._changed(request, named[0], body)

    def _update_code(self, request: Request, function: FunctionName) -> Response:
        """A version is published by our rules and not by moto's."""
        body = body_of(request)
        self._require_image(body)
        with self._aws.lock:
            response = self._changed(request, function, {**body, "Publish": False})
            if response.status_code != 200 or body.get("DryRun") or not body.get("Publish"):
                return response
            return json_answer(200, self._aws.publish(function))

    def _require_image(self, code: Mapping[str, Any]) -> None:
        uri = code.get("ImageUri")
        digest = self._aws.digest_of_uri(str(uri)) if uri else None
        if uri and digest is None:
            raise Refused(f"Source image {uri} does not exist. Provide a valid source image.")
        if digest:
            self._on_image(digest)

    def _update_configuration(self, request: Request, function: FunctionName) -> Response:
        body = body_of(request)
        require_description(body)
        with self._aws.lock:
            if self._aws.exists(function):
                self._aws.set_what_moto_drops(function, body)
            return self._changed(request, function, body)

    def _changed(self, request: Request, function: FunctionName, body: Mapping[str, Any]) -> Response:
        """moto's answer to the change, with what was settled after it."""
        with self._aws.lock:
            response = passed_on(self._aws.application, request, body=json.dumps(body).encode())
            if response.status_code >= 300:
                return response
            self._aws.settle(function, modified=request.method == "PUT" and not body.get("DryRun"))
            said = json.loads(response.get_data())
            settled = self._aws.configuration(function, LATEST)
            return json_answer(
                response.status_code, {**said, **{name: settled[name] for name in ("CodeSha256", "LastModified")}}
            )

    def _delete(self, request: Request, function: FunctionName) -> Response:
        response = self._pass_through(request)
        if response.status_code < 300:
            self._urls.delete_function(function)
            self._data_plane.end_function(function)
        return response

    def _delete_version(self, function: FunctionName, version: str) -> Response:
        """Idempotent, as Lambda's is; `$LATEST`, an alias, and a version that one refers to stay."""
        if version == LATEST:
            raise Refused(f"{LATEST} version cannot be deleted without deleting the function.")
        if not version.isdigit():
            raise Refused("Deletion of aliases is not currently supported.")
        with self._aws.lock:
            referring = self._referring(function, version)
            if referring:
                named = ", ".join(referring)
                raise conflict(f"Unable to delete version because the following aliases reference it: [{named}]")
            self._aws.delete_version(function, version)
        self._data_plane.end_function(function, version)
        return Response(status=204)

    def _referring(self, function: FunctionName, version: str) -> Sequence[str]:
        """The aliases that stand for a version, or send it a share of their invocations. Raises NoSuchFunction."""
        aliases = self._aws.aliases(function)
        return [name for name, alias in aliases.items() if version == alias.version or version in alias.weights]

    def _described(self, request: Request, function: FunctionName, qualifier: str) -> Response:
        """GetFunction and GetFunctionConfiguration with the image's digest and the alias's ARN, where AWS says them."""
        response = self._pass_through(request)
        if response.status_code != 200:
            return response
        body = json.loads(response.get_data())
        configuration = body.get("Configuration", body)
        if qualifier in self._aws.aliases(function):
            configuration["FunctionArn"] = f"{function.arn}:{qualifier}"
        parsed = parse_uri(body.get("Code", {}).get("ImageUri", ""))
        if parsed is not None:
            repository, _ = parsed
            body["Code"]["ResolvedImageUri"] = f"{repository.uri}@sha256:{configuration['CodeSha256']}"
        return json_answer(200, body)

    def _pass_through(self, request: Request) -> Response:
        return passed_on(self._aws.application, request)

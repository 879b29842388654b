"""The part of Lambda's control plane that moto leaves open: what a change of a function's code or settings needs.

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
from deployer.local.publishing import Publishing
from deployer.local.refusal import Refused, conflict, not_found
from deployer.local.server import Wsgi

OF_THE_REQUEST = ("FunctionArn", "Version")  # as the caller named the function
PATH = re.compile(r"/20\d\d-\d\d-\d\d/functions(?:/(?P<name>[^/]+)(?:/(?P<part>[a-z-]+))?)?/?")


class LambdaApi:
    """Answers Lambda requests of every region.

    `on_delete` hears of each function that is gone, `on_image` the digest of each image that a function is given.
    """

    def __init__(
        self,
        aws: MotoAws,
        data_plane: DataPlane,
        publishing: Publishing,
        invoke: InvokeApi,
        *,
        on_delete: Callable[[FunctionName], None] = lambda function: None,
        on_image: Callable[[str], None] = lambda digest: None,
    ) -> None:
        self._aws, self._data_plane, self._publishing, self._invoke = aws, data_plane, publishing, invoke
        self._on_delete, self._on_image = on_delete, on_image

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
        if (request.method, part) == ("POST", "invocations"):
            return self._invoke.answer(request, function, qualifier)
        return self._change(request, function, qualifier, part)

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
        digest = self._require_image(body.get("Code") or {})
        if body.get("Publish"):
            self._publishing.require(body, digest=digest)
        return self._changed(request, named[0], body)

    def _update_code(self, request: Request, function: FunctionName) -> Response:
        body = body_of(request)
        digest = self._require_image(body)
        if body.get("Publish") and self._aws.exists(function):
            self._publishing.require(self._aws.configuration(function, LATEST), digest=digest)
        return self._changed(request, function, body)

    def _require_image(self, code: Mapping[str, Any]) -> str:
        """The digest of the image, empty where the code is none."""
        uri = code.get("ImageUri")
        digest = self._aws.digest_of_uri(str(uri)) if uri else None
        if uri and digest is None:
            raise Refused(f"Source image {uri} does not exist. Provide a valid source image.")
        if digest:
            self._on_image(digest)
        return digest or ""

    def _update_configuration(self, request: Request, function: FunctionName) -> Response:
        body = body_of(request)
        require_description(body)
        return self._changed(request, function, {**body, "Publish": False})

    def _changed(self, request: Request, function: FunctionName, body: Mapping[str, Any]) -> Response:
        """moto makes the change, what it leaves open is settled, and a version is published by our rules."""
        with self._aws.lock:
            asked = json.dumps({**body, "Publish": False}).encode()
            response = passed_on(self._aws.application, request, body=asked)
            if response.status_code >= 300 or body.get("DryRun"):
                return response
            self._aws.set_what_moto_drops(function, body)
            self._aws.settle(function, modified=request.method == "PUT")
            made = self._aws.configuration(function, LATEST)
            if body.get("Publish"):
                made = {**self._publishing.publish(function), "FunctionArn": made["FunctionArn"]}
            return json_answer(response.status_code, made)

    def _delete(self, request: Request, function: FunctionName) -> Response:
        response = self._pass_through(request)
        if response.status_code < 300:
            self._on_delete(function)
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
        kept = self._aws.configuration(function, qualifier or LATEST)
        configuration.update({name: value for name, value in kept.items() if name not in OF_THE_REQUEST})
        if "Configuration" in body and self._aws.reserved(function) is not None:  # moto says nothing of 0
            body["Concurrency"] = {"ReservedConcurrentExecutions": self._aws.reserved(function)}
        if qualifier in self._aws.aliases(function):
            configuration["FunctionArn"] = f"{function.arn}:{qualifier}"
        parsed = parse_uri(body.get("Code", {}).get("ImageUri", ""))
        if parsed is not None:
            repository, _ = parsed
            body["Code"]["ResolvedImageUri"] = f"{repository.uri}@sha256:{configuration['CodeSha256']}"
        return json_answer(200, body)

    def _pass_through(self, request: Request) -> Response:
        return passed_on(self._aws.application, request)

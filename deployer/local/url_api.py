"""The function URLs of a function over Lambda's API: one of each alias, and one of the function itself."""

from __future__ import annotations

import re

from werkzeug.wrappers import Request, Response

from deployer.local.api_requests import body_of, function_of, json_answer, region_of
from deployer.local.functions import FunctionName
from deployer.local.moto_aws import ACCOUNT, MotoAws
from deployer.local.refusal import Refused, conflict, not_found
from deployer.local.url_configs import UrlConfig, UrlConfigs

PATH = re.compile(r"/20\d\d-\d\d-\d\d/functions/(?P<function>[^/]+)/(?P<part>urls?)/?")


class UrlApi:
    """Answers requests for function URLs; `answer` returns None for any other. `gateway` is where the URLs point."""

    def __init__(self, aws: MotoAws, urls: UrlConfigs, *, gateway: str) -> None:
        self._aws, self._urls, self._gateway = aws, urls, gateway

    def answer(self, request: Request) -> Response | None:
        region, path = region_of(request, service="lambda"), PATH.fullmatch(request.path)
        named = function_of(path["function"], account=ACCOUNT, region=region) if region and path else None
        if named is None or path is None:
            return None
        function, qualifier = named
        try:
            if not self._aws.exists(function):
                raise not_found(f"Function not found: {function.arn}")
            if path["part"] == "urls":
                return self._listed(function)
            return self._answer(request, function, qualifier or request.args.get("Qualifier", ""))
        except Refused as refused:
            return refused.answer

    def _listed(self, function: FunctionName) -> Response:
        listed = [config.described(self._gateway) for config in self._urls.of(function)]
        return json_answer(200, {"FunctionUrlConfigs": listed})

    def _answer(self, request: Request, function: FunctionName, qualifier: str) -> Response:
        if request.method == "POST":
            return self._created(request, function, qualifier)
        config = self._urls.get(function, qualifier)
        if config is None:
            raise not_found("The resource you requested does not exist.")
        if request.method == "DELETE":
            self._urls.delete(config)
            return Response(status=204)
        if request.method == "PUT":
            config = self._urls.update(config, body_of(request))
        return json_answer(200, config.described(self._gateway))

    def _created(self, request: Request, function: FunctionName, qualifier: str) -> Response:
        body = body_of(request)
        mode, auth = str(body.get("InvokeMode") or "BUFFERED"), str(body.get("AuthType"))
        config = UrlConfig(function, qualifier, auth, invoke_mode=mode, cors=body.get("Cors"))
        if qualifier.isdigit() or auth not in ("NONE", "AWS_IAM"):
            message = "A function URL belongs to the function or an alias, with AuthType NONE or AWS_IAM."
            raise Refused(message, kind="ValidationException")
        if qualifier and qualifier not in self._aws.aliases(function):
            raise not_found(f"Function not found: {config.arn}")
        if not self._urls.create(config):
            raise conflict(f"Failed to create function url config for {config.arn}")
        return json_answer(201, config.described(self._gateway))

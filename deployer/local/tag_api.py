"""TagResource of a Lambda function within Lambda's limits; moto keeps the tags and answers ListTags."""

from __future__ import annotations

import re

from werkzeug.wrappers import Request, Response

from deployer.local.api_requests import body_of, function_of, passed_on, region_of
from deployer.local.lambda_limits import require_tags
from deployer.local.moto_aws import ACCOUNT, MotoAws
from deployer.local.refusal import Refused

PATH = re.compile(r"/20\d\d-\d\d-\d\d/tags/(?P<arn>.+)")


class TagApi:
    """Answers changes of functions' tags; `answer` returns None for any other request."""

    def __init__(self, aws: MotoAws) -> None:
        self._aws = aws

    def answer(self, request: Request) -> Response | None:
        region, path = region_of(request, service="lambda"), PATH.fullmatch(request.path)
        named = function_of(path["arn"], account=ACCOUNT, region=region) if region and path else None
        if named is None or request.method != "POST":
            return None
        function, qualifier = named
        with self._aws.lock:
            try:
                if qualifier:
                    raise Refused("Tags on function aliases and versions are not supported: name the function's ARN.")
                if self._aws.exists(function):
                    require_tags(body_of(request).get("Tags") or {}, kept=self._aws.tags(function))
            except Refused as refused:
                return refused.answer
            response = passed_on(self._aws.application, request)
            if response.status_code == 200:
                response.status_code = 204  # moto answers 200
        return response

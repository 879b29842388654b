"""API Gateway's API for HTTP APIs as far as moto's answers do not serve: where an API answers, and UpdateStage."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from werkzeug.wrappers import Request, Response

from deployer.local import moto_apis
from deployer.local.api_requests import body_of, json_answer, passed_on, region_of
from deployer.local.moto_aws import MotoAws
from deployer.local.refusal import Refused

PATH = re.compile(r"/v2/apis(?:/(?P<api>[^/]+)(?:/stages/(?P<stage>[^/]+))?)?/?")

TAGS = re.compile(r"/v2/tags/arn:[^/]+/apis/(?P<api>[^/]+)/stages/(?P<stage>[^/]+)")


class GatewayApi:
    """Answers requests for APIs and changes of stages; `answer` returns None for any other.

    `gateway` is where HTTP APIs answer.
    """

    def __init__(self, aws: MotoAws, *, gateway: str) -> None:
        self._aws, self._gateway = aws, gateway

    def answer(self, request: Request) -> Response | None:
        region, path = region_of(request, service="apigateway"), PATH.fullmatch(request.path)
        tagged = TAGS.fullmatch(request.path)
        if region and tagged:
            with self._aws.lock:
                return _tags(request, moto_apis.stage_tags(tagged["api"], tagged["stage"], region=region))
        if not region or path is None:
            return None
        with self._aws.lock:
            if path["stage"] is None:
                return self._of_apis(request)
            if request.method == "PATCH":
                return _updated(path["api"], path["stage"], body_of(request), region=region)
        return None

    def _of_apis(self, request: Request) -> Response:
        response = passed_on(self._aws.application, request)
        if response.status_code >= 300 or request.method == "DELETE":
            return response
        said = json.loads(response.get_data())
        if "items" in said:
            return json_answer(200, {**said, "items": [self._reached(api) for api in said["items"]]})
        return json_answer(201 if request.method == "POST" else 200, self._reached(said))

    def _reached(self, api: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**api, "apiEndpoint": f"{self._gateway}/http-api/{api['apiId']}"}


def _updated(api: str, stage: str, asked: Mapping[str, Any], *, region: str) -> Response:
    updated = moto_apis.update_stage(api, stage, asked, region=region)
    if updated is None:
        return Refused("Invalid Stage identifier specified", kind="NotFoundException", status=404).answer
    return json_answer(200, updated)


def _tags(request: Request, kept: dict[str, str] | None) -> Response:
    """Of a stage, which moto makes with tags and never changes them."""
    if kept is None:
        return Refused("Invalid Stage identifier specified", kind="NotFoundException", status=404).answer
    if request.method == "POST":
        kept.update(body_of(request).get("tags") or {})
        return json_answer(201, {})
    if request.method == "DELETE":
        for key in request.args.getlist("tagKeys"):
            kept.pop(key, None)
        return Response(status=204)
    return json_answer(200, {"tags": kept})

"""What becomes of asynchronous invocations: one configuration of each qualifier, where moto has one of the function.

Kept and shown by the rules of Lambda's API reference (PutFunctionEventInvokeConfig); nothing is sent to a destination,
and a failed event is not tried again.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from werkzeug.wrappers import Request, Response

from deployer.local.api_requests import body_of, json_answer
from deployer.local.moto_aws import MotoAws
from deployer.local.qualified_requests import Qualified, answered
from deployer.local.refusal import Refused, not_found

KIND = "event_invoke"
SETTINGS = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")
LIMITS = {"MaximumRetryAttempts": (0, 2), "MaximumEventAgeInSeconds": (60, 21600)}


class EventInvokeApi:
    """Answers requests for these configurations; `answer` returns None for any other."""

    def __init__(self, aws: MotoAws) -> None:
        self._aws = aws

    def answer(self, request: Request) -> Response | None:
        return answered(request, self._aws, "event-invoke-config", self._answer)

    def _answer(self, request: Request, asked: Qualified) -> Response | None:
        kept = self._aws.of_qualifiers(asked.function, KIND)
        if asked.lists:
            return json_answer(200, {"FunctionEventInvokeConfigs": list(kept.values())})
        if request.method == "PUT":
            return self._put(asked, body_of(request), kept)
        if asked.qualifier not in kept:
            raise not_found(f"The function {asked.arn} doesn't have an EventInvokeConfig")
        match request.method:
            case "POST":
                return self._put(asked, {**kept[asked.qualifier], **body_of(request)}, kept)
            case "DELETE":
                kept.pop(asked.qualifier)
                return Response(status=204)
            case "GET":
                return json_answer(200, kept[asked.qualifier])
        return None

    def _put(self, asked: Qualified, body: Mapping[str, Any], kept: dict[str, dict[str, Any]]) -> Response:
        settings = {name: body[name] for name in SETTINGS if body.get(name) is not None}
        for name, (least, most) in LIMITS.items():
            if not least <= settings.get(name, least) <= most:
                raise Refused(f"{name} must be between {least} and {most}.")
        kept[asked.qualifier] = {"FunctionArn": asked.arn, "LastModified": time.time(), **settings}
        return json_answer(200, kept[asked.qualifier])

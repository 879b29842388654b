"""Provisioned concurrency of aliases and versions, which moto does not know; it is there at once.

The rules are those of Lambda's developer guide, "Configuring provisioned concurrency for a function". No execution
environment is started ahead.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from werkzeug.wrappers import Request, Response

from deployer.local.api_requests import body_of, json_answer, passed_on
from deployer.local.functions import LATEST, FunctionName
from deployer.local.moto_aws import MotoAws
from deployer.local.qualified_requests import Qualified, answered
from deployer.local.refusal import Refused

PROVISIONED = "provisioned"


class ConcurrencyApi:
    """Answers requests for provisioned concurrency, and checks reserved against it; None for any other."""

    def __init__(self, aws: MotoAws) -> None:
        self._aws = aws

    def answer(self, request: Request) -> Response | None:
        provisioned = answered(request, self._aws, "provisioned-concurrency", self._answer)
        return provisioned or answered(request, self._aws, "concurrency", self._reserve)

    def _answer(self, request: Request, asked: Qualified) -> Response | None:
        kept = self._aws.of_qualifiers(asked.function, PROVISIONED)
        if asked.lists:
            listed = [{"FunctionArn": f"{asked.function.arn}:{name}", **one} for name, one in kept.items()]
            return json_answer(200, {"ProvisionedConcurrencyConfigs": listed})
        match request.method:
            case "PUT":
                number = int(body_of(request).get("ProvisionedConcurrentExecutions") or 0)
                self._require(asked, number, kept)
                kept[asked.qualifier] = _ready(number)
                return json_answer(202, kept[asked.qualifier])
            case "DELETE":
                kept.pop(asked.qualifier, None)
                return Response(status=204)
            case "GET":
                return json_answer(200, _found(kept, asked.qualifier))
        return None

    def _require(self, asked: Qualified, number: int, kept: Mapping[str, Any]) -> None:
        if asked.qualifier == LATEST:
            raise Refused("Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
        if number < 1:
            raise Refused("ProvisionedConcurrentExecutions must be at least 1.")
        if self._aws.configuration(asked.function, asked.qualifier)["SnapStart"]["OptimizationStatus"] == "On":
            raise Refused("Provisioned Concurrency is not supported for functions with SnapStart.")
        others = {name: one for name, one in kept.items() if name != asked.qualifier}
        self._fits(asked.function, self._aws.reserved(asked.function), _sum(others) + number)

    def _reserve(self, request: Request, asked: Qualified) -> Response | None:
        """PutFunctionConcurrency goes on to moto where what is provisioned still fits."""
        if request.method != "PUT":
            return None
        reserved = body_of(request).get("ReservedConcurrentExecutions")
        self._fits(asked.function, reserved, _sum(self._aws.of_qualifiers(asked.function, PROVISIONED)))
        return passed_on(self._aws.application, request)

    def _fits(self, function: FunctionName, reserved: int | None, provisioned: int) -> None:
        if reserved is not None and provisioned > reserved:
            raise Refused(
                f"Requested Provisioned Concurrency ({provisioned}) of {function.name} should not be greater than its "
                f"reserved concurrency ({reserved})."
            )


def _sum(kept: Mapping[str, Mapping[str, Any]]) -> int:
    return sum(int(one["RequestedProvisionedConcurrentExecutions"]) for one in kept.values())


def _found(kept: Mapping[str, Mapping[str, Any]], qualifier: str) -> Mapping[str, Any]:
    if qualifier not in kept:
        message = "No Provisioned Concurrency Config found for this function"
        raise Refused(message, kind="ProvisionedConcurrencyConfigNotFoundException", status=404)
    return kept[qualifier]


def _ready(number: int) -> dict[str, Any]:
    counted = ("Requested", "Available", "Allocated")
    return {
        **{f"{count}ProvisionedConcurrentExecutions": number for count in counted},
        "Status": "READY",
        "LastModified": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S+0000"),
    }

"""CreateAlias and UpdateAlias by Lambda's rules, which moto does not know; moto keeps the aliases.

The rules are those of Lambda's developer guide, "Implement Lambda canary deployments using a weighted alias", and of
its API reference (CreateAlias, UpdateAlias, AliasRoutingConfiguration).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from werkzeug.wrappers import Request, Response

from deployer.local.api_requests import body_of, function_of, json_answer, passed_on, region_of
from deployer.local.concurrency_api import PROVISIONED
from deployer.local.functions import LATEST, Alias, FunctionName, NoSuchFunction
from deployer.local.lambda_limits import require_description
from deployer.local.moto_aws import ACCOUNT, MotoAws
from deployer.local.refusal import Refused

PATH = re.compile(r"/20\d\d-\d\d-\d\d/functions/(?P<function>[^/]+)/aliases(?:/(?P<alias>[^/]+))?/?")
ALIAS = re.compile(r"(?!\d+$)[a-zA-Z0-9_-]{1,128}")
VERSION = re.compile(r"\d+")
STATUS = {"PUT": 200, "GET": 200, "DELETE": 204}  # moto answers 201
MISMATCH = "The RevisionId provided does not match the latest RevisionId. Call the GetAlias API to retrieve it."


class AliasApi:
    """Answers requests for aliases; `answer` returns None for any other.

    `on_delete` hears of each alias that is gone: what belongs to it goes with it.
    """

    def __init__(
        self, aws: MotoAws, *, on_delete: Callable[[FunctionName, str], None] = lambda function, alias: None
    ) -> None:
        self._aws, self._on_delete = aws, on_delete

    def answer(self, request: Request) -> Response | None:
        region, path = region_of(request, service="lambda"), PATH.fullmatch(request.path)
        named = function_of(path["function"], account=ACCOUNT, region=region) if region and path else None
        if named is None or path is None:
            return None
        with self._aws.lock:
            try:
                return self._answer(request, named[0], path["alias"] or "")
            except Refused as refused:
                return refused.answer

    def _answer(self, request: Request, function: FunctionName, name: str) -> Response:
        body = None
        if request.method in ("POST", "PUT") and self._aws.exists(function):
            body = json.dumps(self._checked(function, name, body_of(request))).encode()
        response = passed_on(self._aws.application, request, body=body)
        if response.status_code == 201:
            response.status_code = STATUS.get(request.method, 201)
        if response.status_code == 204:
            self._aws.forget_qualifier(function, name)
            self._on_delete(function, name)
            return Response(status=204)
        return self._of_version(request, response) if not name else response

    def _checked(self, function: FunctionName, name: str, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """The request as moto is to get it. Raises Refused."""
        require_description(asked)
        known = self._aws.aliases(function).get(name)
        if known is not None and asked.get("RevisionId", known.revision) != known.revision:
            raise Refused(MISMATCH, kind="PreconditionFailedException", status=412)
        if not name and not ALIAS.fullmatch(str(asked.get("Name", ""))):
            raise Refused(f"Value {asked.get('Name')!r} at 'name' is no name of an alias.", kind="ValidationException")
        if name and known is None:
            return asked  # moto says that there is no such alias
        routing = asked.get("RoutingConfig")
        weights = _weights(routing) if routing is not None else dict(known.weights if known else {})
        self._require(function, _version(asked, known), weights)
        if name in self._aws.of_qualifiers(function, PROVISIONED):
            self._require_no_snapshot(function, (_version(asked, known), *weights))
        if known is not None:
            self._aws.renew_revision(function, name)
        if routing is None:
            return asked
        return {**asked, "RoutingConfig": {"AdditionalVersionWeights": weights} if weights else {}}

    def _of_version(self, request: Request, response: Response) -> Response:
        """ListAliases of one version, where it is asked for."""
        version = request.args.get("FunctionVersion")
        if request.method != "GET" or version is None or response.status_code != 200:
            return response
        found = json.loads(response.get_data())["Aliases"]
        return json_answer(200, {"Aliases": [alias for alias in found if alias["FunctionVersion"] == version]})

    def _require(self, function: FunctionName, version: str, weights: Mapping[str, float]) -> None:
        """The versions exist, are two, published, and have one execution role."""
        primary = self._role(function, version)
        for other in weights:
            if other == version:
                raise Refused(
                    f"Invalid function version {version}. "
                    f"Function version {version} is already included in routing configuration."
                )
            if version == LATEST:
                raise Refused(f"{LATEST} is not supported for an alias pointing to more than 1 version")
            if self._role(function, other) != primary:
                raise Refused(f"Function versions {version} and {other} must have the same execution role.")

    def _require_no_snapshot(self, function: FunctionName, versions: Sequence[str]) -> None:
        """Provisioned concurrency of the alias is that of its versions."""
        for version in versions:
            if self._aws.configuration(function, version)["SnapStart"]["OptimizationStatus"] == "On":
                raise Refused(f"Provisioned Concurrency is not supported for version {version}, which has SnapStart.")

    def _role(self, function: FunctionName, version: str) -> str:
        try:
            return self._aws.version(function, version).role
        except NoSuchFunction as missing:
            raise Refused(str(missing), kind="ResourceNotFoundException", status=404) from missing


def _version(asked: Mapping[str, Any], known: Alias | None) -> str:
    """The version that the alias is to stand for."""
    version = asked.get("FunctionVersion") or (known.version if known else "")
    if version != LATEST and not VERSION.fullmatch(str(version)):
        message = f"Value {version!r} at 'functionVersion' failed to satisfy constraint: (\\$LATEST|[0-9]+)"
        raise Refused(message, kind="ValidationException")
    return str(version)


def _weights(routing: Any) -> dict[str, float]:
    """The weights of a RoutingConfig: none, or one between 0 and 1."""
    weights = (routing.get("AdditionalVersionWeights") or {}) if isinstance(routing, dict) else None
    if not isinstance(weights, dict):
        raise Refused("RoutingConfig must hold AdditionalVersionWeights.", kind="ValidationException")
    if len(weights) > 1:
        raise Refused("Number of items in AdditionalVersionWeights cannot be greater than 1")
    for version, weight in weights.items():
        number = isinstance(weight, (int, float)) and not isinstance(weight, bool)
        if not VERSION.fullmatch(version) or not number or not 0 <= weight <= 1:
            message = (
                f"Value '{{{version}={weight}}}' at 'routingConfig.additionalVersionWeights' failed to satisfy "
                "constraint: keys must be version numbers, [0-9]+, and values between 0.0 and 1.0."
            )
            raise Refused(message, kind="ValidationException")
    return weights

"""A function's resource policies by Lambda's rules: one of each qualifier, where moto has one of the function.

A statement's id is unique within its policy (API reference of AddPermission). moto keeps the statements of all
qualifiers together; each names its own in `Resource`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from werkzeug.wrappers import Request, Response

from deployer.local.api_requests import body_of, function_of, json_answer, region_of
from deployer.local.functions import LATEST, FunctionName, NoSuchFunction
from deployer.local.moto_aws import ACCOUNT, MotoAws
from deployer.local.permissions import AUTH_TYPE, VIA_URL
from deployer.local.refusal import Refused, conflict, not_found

OF_A_URL = {"FunctionUrlAuthType": "lambda:InvokeFunctionUrl", "InvokedViaFunctionUrl": "lambda:InvokeFunction"}
PATH = re.compile(r"/20\d\d-\d\d-\d\d/functions/(?P<function>[^/]+)/policy(?:/(?P<statement>[^/]+))?/?")


class PolicyApi:
    """Answers requests for permissions; `answer` returns None for any other."""

    def __init__(self, aws: MotoAws) -> None:
        self._aws = aws

    def answer(self, request: Request) -> Response | None:
        region, path = region_of(request, service="lambda"), PATH.fullmatch(request.path)
        named = function_of(path["function"], account=ACCOUNT, region=region) if region and path else None
        if named is None or path is None:
            return None
        function, qualifier = named
        with self._aws.lock:
            try:
                return self._answer(
                    request, function, qualifier or request.args.get("Qualifier", ""), path["statement"] or ""
                )
            except NoSuchFunction as missing:
                return not_found(str(missing)).answer
            except Refused as refused:
                return refused.answer

    def _answer(self, request: Request, function: FunctionName, qualifier: str, statement: str) -> Response | None:
        self._aws.version(function, qualifier or LATEST)  # refuses a function or qualifier that is not there
        resource = f"{function.arn}:{qualifier}" if qualifier else function.arn
        match (request.method, bool(statement)):
            case ("GET", False):
                return json_answer(200, self._policy(function, resource))
            case ("POST", False):
                return json_answer(201, self._add(function, resource, body_of(request)))
            case ("DELETE", True):
                if not self._aws.remove_statements(function, resource, statement):
                    raise not_found(f"Statement {statement} is not found in resource policy.")
                return Response(status=204)
        return None

    def _policy(self, function: FunctionName, resource: str) -> Mapping[str, Any]:
        statements = [one for one in self._aws.statements(function) if one.get("Resource") == resource]
        if not statements:
            raise not_found("The resource you requested does not exist.")
        policy = {"Version": "2012-10-17", "Id": "default", "Statement": statements}
        return {"Policy": json.dumps(policy), "RevisionId": self._aws.policy_revision(function)}

    def _add(self, function: FunctionName, resource: str, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        name, revision = str(asked.get("StatementId", "")), self._aws.policy_revision(function)
        if asked.get("RevisionId", revision) != revision:
            message = "The RevisionId provided does not match the latest RevisionId. Call the GetPolicy API."
            raise Refused(message, kind="PreconditionFailedException", status=412)
        for one in self._aws.statements(function):
            if (one.get("Sid"), one.get("Resource")) == (name, resource):
                raise conflict(
                    f"The statement id ({name}) provided already exists. Please provide a new statement id, "
                    "or remove the existing statement."
                )
        known = {key: value for key, value in asked.items() if key not in OF_A_URL}
        added = self._aws.add_statement(function, resource, known, conditions=_conditions(asked))
        return {"Statement": json.dumps(added)}


def _conditions(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a permission for a function URL is bound to, as the statement says it. Raises Refused."""
    for key, action in OF_A_URL.items():
        if asked.get(key) is not None and asked.get("Action") != action:
            raise Refused(f"{key} is only supported for {action} action")
    auth_type, via_url = asked.get("FunctionUrlAuthType"), asked.get("InvokedViaFunctionUrl")
    return {
        **({"StringEquals": {AUTH_TYPE: auth_type}} if auth_type else {}),
        **({"Bool": {VIA_URL: str(via_url).lower()}} if via_url is not None else {}),
    }

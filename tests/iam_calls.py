"""Which IAM actions a call to AWS asks for, on which resources, and whether a policy allows them.

The names are those of AWS's Service Authorization Reference. Of a statement's conditions only those are decided that a
request answers by itself; what AWS knows of the resource, such as its tags, is taken for right.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import quote

from aws_wire import Call
from local_aws import ACCOUNT, REGION

from deployer.policies import Statement

SAID_OTHERWISE = {
    "lambda:Invoke": "lambda:InvokeFunction",
    "cloudwatch:GetMetricData": "cloudwatch:GetMetricData",
    "resourcegroupstaggingapi:GetResources": "tag:GetResources",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListObjects": "s3:ListBucket",
    "s3:ListObjectsV2": "s3:ListBucket",
}
FOR_EVERYBODY = frozenset({"sts:GetCallerIdentity"})  # which no policy has to allow
TAGGING = {"lambda": "lambda:TagResource", "iam": "iam:TagRole", "logs": "logs:TagResource", "ecr": "ecr:TagResource"}
LABEL = re.compile(r"\{([\w-]+)\}")


@dataclass(frozen=True)
class Asked:
    """One action on one resource, and the condition keys whose values the request tells."""

    action: str
    resource: str
    known: Mapping[str, str]


def asked(call: Call) -> tuple[Asked, ...]:
    """What the caller has to be allowed; to tag while making something is to be allowed for itself."""
    if str(call) in FOR_EVERYBODY:
        return ()
    known = _known(call)
    action = SAID_OTHERWISE.get(str(call), str(call))
    if call.service == "apigatewayv2":
        action = f"apigateway:{call.model.http['method']}"
    actions = [action]
    if call.service in TAGGING and call.operation.startswith("Create") and _tags(call):
        actions.append(TAGGING[call.service])
    return tuple(Asked(one, resource, known) for one in actions for resource in _resources(call))


def allows(statement: Statement, one: Asked) -> bool:
    return (
        one.action in statement.actions
        and any(fnmatchcase(one.resource, pattern.replace("[", "[[]")) for pattern in statement.resources)
        and all(_holds(one.known, operator, keys) for operator, keys in statement.conditions.items())
    )


def refused(statements: Iterable[Statement], calls: Iterable[Call]) -> list[str]:
    """Each action that no statement allows, on its resource; sorted."""
    those = tuple(statements)
    wanted = (one for call in calls for one in asked(call))
    return sorted({f"{one.action} on {one.resource}" for one in wanted if not any(allows(s, one) for s in those)})


def _holds(known: Mapping[str, str], operator: str, keys: Mapping[str, Any]) -> bool:
    assert operator == "StringEquals", f"{operator} is not decided here"
    return all(known.get(key, value) in ((value,) if isinstance(value, str) else value) for key, value in keys.items())


def _known(call: Call) -> dict[str, str]:
    """The lambda keys are absent where the request does not have them, which refuses; unknown are those of roles."""
    parameters, known = call.parameters, {"aws:RequestedRegion": REGION}
    named = {"AuthType": "lambda:FunctionUrlAuthType", "Principal": "lambda:Principal"}
    if call.service == "lambda":
        known |= {key: str(parameters[name]) for name, key in named.items() if name in parameters}
    if call.service == "iam" and call.operation in ("CreateRole", "PutRolePermissionsBoundary"):
        known["iam:PermissionsBoundary"] = str(parameters.get("PermissionsBoundary", ""))
    if call.operation == "CreateApi":
        known |= {f"aws:RequestTag/{name}": value for name, value in parameters.get("Tags", {}).items()}
    return known


def _tags(call: Call) -> Any:
    return call.parameters.get("Tags") or call.parameters.get("tags")


def _resources(call: Call) -> Iterator[str]:
    """ARNs; `*` where the call is about no resource of its own."""
    parameters = call.parameters
    if call.service == "apigatewayv2":
        yield _api_path(call)
    elif "Resource" in parameters or "resourceArn" in parameters:
        yield str(parameters.get("Resource") or parameters["resourceArn"])
    elif "FunctionName" in parameters:
        yield _function(str(parameters["FunctionName"]), str(parameters.get("Qualifier", "")))
    elif call.operation == "DescribeRepositories":
        yield from (_regional("ecr", f"repository/{name}") for name in parameters.get("repositoryNames", ["*"]))
    elif "repositoryName" in parameters:
        yield _regional("ecr", f"repository/{parameters['repositoryName']}")
    elif "logGroupName" in parameters:
        yield _regional("logs", f"log-group:{parameters['logGroupName']}:*")
    elif "RoleName" in parameters:
        yield f"arn:aws:iam::{ACCOUNT}:role/{parameters['RoleName']}"
    elif "Bucket" in parameters:
        yield f"arn:aws:s3:::{'/'.join(str(parameters[name]) for name in ('Bucket', 'Key') if name in parameters)}"
    else:
        yield "*"


def _function(name: str, qualifier: str) -> str:
    """A name, or an ARN that may have a qualifier already."""
    arn = name if name.startswith("arn:") else _regional("lambda", f"function:{name}")
    return f"{arn}:{qualifier}" if qualifier else arn


def _api_path(call: Call) -> str:
    path = LABEL.sub(lambda label: quote(str(_by_wire_name(call, label[1])), safe="$"), call.model.http["requestUri"])
    return f"arn:aws:apigateway:{REGION}::{path.removeprefix('/v2')}"


def _by_wire_name(call: Call, wire: str) -> Any:
    members = call.model.input_shape.members
    return next(call.parameters[name] for name, one in members.items() if one.serialization.get("name", name) == wire)


def _regional(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"

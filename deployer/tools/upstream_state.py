"""What upstream bentoctl's operator `aws-lambda` made, as the terraform state in its folder says: read as JSON.

terraform is not asked: bentoctl's template wants a provider of 2022 for that. Only version 4 of the state is read,
which every terraform since 0.12 writes. What a resource is called there does not count, its type does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployer.errors import BadInput, DeployerError
from deployer.tools.aws_partition import partition_of
from deployer.tools.state_lock import state_lock

STATE = "terraform.tfstate"
ASIDE = ".adopted"  # what the name of a file ends with that bentoctl and terraform are no longer to find
ALIAS = "bentoctl"  # stands for the version that the old API goes on asking
VERSION = 4
_ONE = (
    "aws_lambda_function",
    "aws_apigatewayv2_api",
    "aws_apigatewayv2_integration",
    "aws_lambda_permission",
    "aws_iam_role",
)
_LOG_GROUP = "aws_cloudwatch_log_group"
_KNOWN = {*_ONE, _LOG_GROUP, "aws_apigatewayv2_stage", "aws_apigatewayv2_route", "aws_iam_role_policy_attachment"}
_WHERE = "Name the folder in which `bentoctl apply` was run: it holds main.tf, bentoctl.tfvars and terraform.tfstate."

Attributes = Mapping[str, Any]


@dataclass(frozen=True)
class _Resource:
    """An instance in a state: what terraform made (`managed`), or only looked up."""

    managed: bool
    kind: str
    address: str
    values: Attributes


@dataclass(frozen=True)
class UpstreamDeployment:
    """What the state holds, by the names that AWS knows; empty where it holds no such thing.

    `strangers` are the addresses of what bentoctl's template does not make. `adopted`: the state was set aside before.
    """

    folder: Path
    region: str
    account: str
    function: str = ""
    role: str = ""
    api: str = ""  # the API's id
    integration: str = ""
    statement: str = ""  # of the function's policy: the API may invoke it
    log_groups: tuple[str, ...] = ()
    repository: str = ""
    strangers: tuple[str, ...] = ()
    adopted: bool = False

    @property
    def name(self) -> str:
        """For people."""
        return self.function or self.role or f"HTTP API {self.api}"

    @property
    def function_arn(self) -> str:
        return f"{self._prefix}:function:{self.function}"

    @property
    def own_log_group(self) -> str:
        """The function's, which deployer's template takes over with it."""
        return f"/aws/lambda/{self.function}"

    @property
    def _prefix(self) -> str:
        return f"arn:{partition_of(self.region).name}:lambda:{self.region}:{self.account}"


def read_upstream(folder: Path) -> UpstreamDeployment:
    """The deployment whose state is in that folder, set aside or not. Raises BadInput where there is none to read, and
    DeployerError where a terraform is at work on it.
    """
    state = folder / STATE
    adopted = not state.exists() and state.with_name(STATE + ASIDE).exists()
    file = state.with_name(STATE + ASIDE) if adopted else state
    _refuse_state_elsewhere(folder, file)
    lock = state_lock(file)
    if lock is not None and lock.held:
        raise DeployerError(f"{file} is locked: {lock} is at work on it.", hint="Wait until it has ended.")
    return _deployment(folder, _resources(file), file, adopted=adopted)


def _refuse_state_elsewhere(folder: Path, file: Path) -> None:
    if file.exists() and file.stat().st_size > 0:
        return
    if (folder / ".terraform" / STATE).exists():
        hint = f"Run `terraform state pull > pulled.json` there, put that as {STATE} into a folder, and name that one."
        raise BadInput(f"The state of {folder} is kept by terraform's backend, not in the folder.", hint=hint)
    raise BadInput(f"{folder} holds no terraform state.", hint=_WHERE)


def _resources(file: Path) -> tuple[_Resource, ...]:
    try:
        state = json.loads(file.read_text(encoding="utf-8"))
        if state["version"] != VERSION:
            raise ValueError(f"it is of version {state['version']}, and this deployer reads {VERSION}")
        return tuple(_instances(state["resources"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"{file} cannot be read as a terraform state: {error}.", hint=_WHERE) from error


def _instances(resources: Sequence[Mapping[str, Any]]) -> Iterator[_Resource]:
    for resource in resources:
        parts = (resource.get("module"), resource["type"], resource["name"])
        address = ".".join(part for part in parts if part)
        for instance in resource["instances"]:
            yield _Resource(resource["mode"] == "managed", resource["type"], address, dict(instance["attributes"]))


def _deployment(folder: Path, found: Sequence[_Resource], file: Path, *, adopted: bool) -> UpstreamDeployment:
    managed = [resource for resource in found if resource.managed and _is_bentoctls(resource)]
    strangers = (resource.address for resource in found if resource.managed and not _is_bentoctls(resource))
    one = {kind: _only(kind, managed, file) for kind in _ONE}
    function, api = one["aws_lambda_function"], one["aws_apigatewayv2_api"]
    if not function and not api:
        raise BadInput(f"{file} holds no Lambda function and no HTTP API.", hint=_WHERE)
    region, account = _place(managed)
    groups = (resource.values["name"] for resource in managed if resource.kind == _LOG_GROUP)
    return UpstreamDeployment(
        folder=folder,
        region=region,
        account=account,
        function=str(function.get("function_name", "")),
        role=str(one["aws_iam_role"].get("name", "")),
        api=str(api.get("id", "")),
        integration=str(one["aws_apigatewayv2_integration"].get("id", "")),
        statement=str(one["aws_lambda_permission"].get("statement_id", "")),
        log_groups=tuple(sorted(map(str, groups))),
        repository=_repository(function, found),
        strangers=tuple(sorted(strangers)),
        adopted=adopted,
    )


def _is_bentoctls(resource: _Resource) -> bool:
    """Of its template: there the API alone is permitted to invoke the function."""
    if resource.kind == "aws_lambda_permission":
        return str(resource.values.get("principal", "")) == "apigateway.amazonaws.com"
    return resource.kind in _KNOWN


def _only(kind: str, managed: Sequence[_Resource], file: Path) -> Attributes:
    """The attributes of the one that is there, none where none is."""
    found = [resource for resource in managed if resource.kind == kind]
    if len(found) > 1:
        several = ", ".join(resource.address for resource in found)
        raise BadInput(
            f"{file} holds several of type {kind}: {several}. bentoctl's template makes one.",
            hint="Only a deployment as bentoctl made it can be adopted; others go with `terraform destroy`.",
        )
    return found[0].values if found else {}


def _place(managed: Sequence[_Resource]) -> tuple[str, str]:
    """Region and account, from the ARNs: a role's names no region, an API's no account."""
    arns = [str(resource.values.get("arn", "")).split(":") for resource in managed]
    named = [parts for parts in arns if len(parts) > 5]
    region = next((parts[3] for parts in named if parts[3]), "")
    return region, next((parts[4] for parts in named if parts[4]), "")


def _repository(function: Attributes, found: Sequence[_Resource]) -> str:
    """The ECR repository of the function's image, or the one that bentoctl's template looked up."""
    host, _, image = str(function.get("image_uri") or "").partition("/")
    if ".dkr.ecr." in host:
        return re.split("[@:]", image)[0]
    names = [str(resource.values["name"]) for resource in found if resource.kind == "aws_ecr_repository"]
    return names[0] if len(names) == 1 else ""

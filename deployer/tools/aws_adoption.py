"""What terraform has to import where its state is lost: the template's addresses and what stands for them in AWS.

No boto3 here: `client` gives the client of a service by its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from deployer.config import DeploymentConfig, Spec
from deployer.releases import CANDIDATE, LIVE
from deployer.tools import aws_http_api
from deployer.tools.aws_errors import code
from deployer.tools.aws_leftovers import OWNER_TAG, Clients, repository_owner

ALIASES = {CANDIDATE: "candidate", LIVE: "live[0]"}  # and what the template calls each, and its URL
LOG_GROUP, FUNCTION = "aws_cloudwatch_log_group.this", "aws_lambda_function.this"
ROLE, POLICIES = "aws_iam_role.this[0]", {"log": "log[0]", "reach": "reach[0]"}
IMAGES = ("aws_ecr_repository_policy.this[0]", "aws_ecr_lifecycle_policy.this[0]")
API = "aws_apigatewayv2_{}"
CONCURRENCY, INVOCATIONS = (
    "aws_lambda_provisioned_concurrency_config.live[0]",
    "aws_lambda_function_event_invoke_config.live[0]",
)
URL, STATEMENTS = (
    "aws_lambda_function_url.{}",
    {
        "PublicUrl": "aws_lambda_permission.public_url[0]",
        "PublicInvoke": "aws_lambda_permission.public_invoke[0]",  # the template has it where the provider can say it
        "HttpApi": "aws_lambda_permission.http_api[0]",
    },
)
MISSING = frozenset({"ResourceNotFoundException", "NoSuchEntity", "RepositoryNotFoundException", "NotFoundException"})
MISSING |= {"RepositoryPolicyNotFoundException", "LifecyclePolicyNotFoundException"}
MISSING |= {"ProvisionedConcurrencyConfigNotFoundException"}


def addresses(config: DeploymentConfig) -> tuple[str, ...]:
    """What the template makes of a released deployment, whatever provider it is for."""
    spec = config.spec
    wanted = [LOG_GROUP, FUNCTION, *IMAGES, *(f"aws_lambda_alias.{name}" for name in ALIASES.values())]
    wanted.append(URL.format("candidate"))
    if not spec.role:
        wanted += [ROLE, *(f"aws_iam_role_policy.{POLICIES[name]}" for name in _policies(config))]
    if spec.endpoint == "http_api":
        wanted += [API.format(f"{kind}.live[0]") for kind in ("api", "integration", "route", "stage")]
        wanted += [API.format(f'route.preflight["{key}"]') for key in aws_http_api.PREFLIGHT if _asks_preflight(spec)]
        wanted.append(STATEMENTS["HttpApi"])
    else:
        wanted += [URL.format("live[0]"), *([STATEMENTS["PublicUrl"]] if spec.auth == "none" else [])]
    wanted += [CONCURRENCY] if spec.provisioned_concurrency is not None else []
    wanted += [INVOCATIONS] if spec.destinations is not None else []
    return tuple(wanted)


def function_owner(client: Clients, name: str) -> str | None:
    """The deployment that a function belongs to: empty where it is not deployer's, None where there is no function."""
    lambda_ = client("lambda")
    found = there(lambda: lambda_.get_function_configuration(FunctionName=name))
    if found is None:
        return None
    return str(lambda_.list_tags(Resource=found["FunctionArn"])["Tags"].get(OWNER_TAG, ""))


def existing(client: Clients, config: DeploymentConfig) -> dict[str, str]:
    """Import ids by the address in the template, of what is there and what the config has a place for."""
    found = dict([*_log_and_role(client, config), *_images(client("ecr"), config), *_function(client, config)])
    places = {*addresses(config), STATEMENTS["PublicInvoke"]}
    return {address: identity for address, identity in found.items() if address in places}


def _asks_preflight(spec: Spec) -> bool:
    """Whether browsers ask first, of an API whose own route wants a signature."""
    return spec.cors is not None and spec.auth == "iam"


def _policies(config: DeploymentConfig) -> tuple[str, ...]:
    """The role's policies: `reach` is for settings that reach beyond the function's log."""
    spec = config.spec
    destinations = spec.destinations and (spec.destinations.on_success or spec.destinations.on_failure)
    reaches = (spec.dead_letter, destinations, config.secrets, spec.kms_key, spec.file_system, spec.vpc, spec.tracing)
    return ("log", "reach") if any(reaches) else ("log",)


def _log_and_role(client: Clients, config: DeploymentConfig) -> Iterator[tuple[str, str]]:
    name = config.name
    group, role, iam = f"/aws/lambda/{name}", f"{name}-{config.spec.region}", client("iam")
    listed = client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    if any(found["logGroupName"] == group for found in listed):
        yield LOG_GROUP, group
    found = there(lambda: iam.list_role_tags(RoleName=role)) or {"Tags": []}
    if {"Key": OWNER_TAG, "Value": name} not in found["Tags"]:
        return
    yield ROLE, role
    for policy in there(lambda: iam.list_role_policies(RoleName=role)["PolicyNames"]) or ():
        if policy in POLICIES:
            yield f"aws_iam_role_policy.{POLICIES[policy]}", f"{role}:{policy}"


def _images(ecr: Any, config: DeploymentConfig) -> Iterator[tuple[str, str]]:
    """The policies of the repository, where that is the deployment's own."""
    repository = config.repository
    if repository_owner(ecr, repository) != config.name:
        return
    asks = (ecr.get_repository_policy, ecr.get_lifecycle_policy)
    for address, ask in zip(IMAGES, asks, strict=True):
        if there(partial(ask, repositoryName=repository)):
            yield address, repository


def _function(client: Clients, config: DeploymentConfig) -> Iterator[tuple[str, str]]:
    lambda_, name = client("lambda"), config.name
    if not there(lambda: lambda_.get_function_configuration(FunctionName=name)):
        return
    yield FUNCTION, name
    for alias in ALIASES:
        yield from _alias(lambda_, name, alias)
    policy = there(lambda: lambda_.get_policy(FunctionName=name, Qualifier=LIVE)) or {"Policy": ""}
    for statement, address in STATEMENTS.items():
        if f'"{statement}"' in policy["Policy"]:
            yield address, f"{name}:{LIVE}/{statement}"
    if config.spec.endpoint == "http_api":
        yield from _http_api(client("apigatewayv2"), name)
    yield from _of_live(lambda_, config)


def _http_api(apis: Any, name: str) -> Iterator[tuple[str, str]]:
    api = aws_http_api.http_api(apis, name)
    if api is not None:
        yield API.format("api.live[0]"), api["ApiId"]
        yield from ((API.format(kind), identity) for kind, identity in aws_http_api.parts(apis, api["ApiId"]))


def _of_live(lambda_: Any, config: DeploymentConfig) -> Iterator[tuple[str, str]]:
    asked = {"FunctionName": config.name, "Qualifier": LIVE}
    if config.spec.provisioned_concurrency is not None and there(
        lambda: lambda_.get_provisioned_concurrency_config(**asked)
    ):
        yield CONCURRENCY, f"{config.name},{LIVE}"
    if config.spec.destinations is not None and there(lambda: lambda_.get_function_event_invoke_config(**asked)):
        yield INVOCATIONS, f"{config.name}:{LIVE}"


def _alias(lambda_: Any, name: str, alias: str) -> Iterator[tuple[str, str]]:
    if not there(lambda: lambda_.get_alias(FunctionName=name, Name=alias)):
        return
    yield f"aws_lambda_alias.{ALIASES[alias]}", f"{name}/{alias}"
    if there(lambda: lambda_.get_function_url_config(FunctionName=name, Qualifier=alias)):
        yield URL.format(ALIASES[alias]), f"{name}/{alias}"


def there(ask: Callable[[], Any]) -> Any:
    """What AWS answers, None where it says that there is no such thing."""
    try:
        return ask()
    except ClientError as error:
        if code(error) in MISSING:
            return None
        raise

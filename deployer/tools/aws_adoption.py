"""What terraform has to import where its state is lost: the template's addresses and what stands for them in AWS.

No boto3 here: `client` gives the client of a service by its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import ClientError

from deployer.releases import CANDIDATE, LIVE
from deployer.tools.aws_errors import code
from deployer.tools.aws_leftovers import OWNER_TAG, Clients

ALIASES = {CANDIDATE: "candidate", LIVE: "live[0]"}  # and what the template calls each, and its URL
STATEMENTS = {"PublicUrl": "public_url[0]", "PublicInvoke": "public_invoke[0]"}
LOG_AND_ROLE = ("aws_cloudwatch_log_group.this", "aws_iam_role.this", "aws_iam_role_policy.log")
FUNCTION = "aws_lambda_function.this"
MISSING = frozenset({"ResourceNotFoundException", "NoSuchEntity", "RepositoryNotFoundException"})


def addresses(*, public: bool) -> tuple[str, ...]:
    """What the template makes of a released deployment."""
    aliases = [
        f"{kind}.{name}" for kind in ("aws_lambda_alias", "aws_lambda_function_url") for name in ALIASES.values()
    ]
    statements = [f"aws_lambda_permission.{name}" for name in STATEMENTS.values()] if public else []
    return (*LOG_AND_ROLE, FUNCTION, *aliases, *statements)


def function_owner(client: Clients, name: str) -> str | None:
    """The deployment that a function belongs to: empty where it is not deployer's, None where there is no function."""
    lambda_ = client("lambda")
    found = there(lambda: lambda_.get_function_configuration(FunctionName=name))
    if found is None:
        return None
    return str(lambda_.list_tags(Resource=found["FunctionArn"])["Tags"].get(OWNER_TAG, ""))


def existing(client: Clients, *, name: str, region: str, public: bool) -> dict[str, str]:
    """Import ids by the address in the template, of what is there. `public`: whether the config has a public URL."""
    return dict([*_log_and_role(client, name, region), *_function(client("lambda"), name, public=public)])


def _log_and_role(client: Clients, name: str, region: str) -> Iterator[tuple[str, str]]:
    group, role, iam = f"/aws/lambda/{name}", f"{name}-{region}", client("iam")
    listed = client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    if any(found["logGroupName"] == group for found in listed):
        yield "aws_cloudwatch_log_group.this", group
    found = there(lambda: iam.list_role_tags(RoleName=role)) or {"Tags": []}
    if {"Key": OWNER_TAG, "Value": name} not in found["Tags"]:
        return
    yield "aws_iam_role.this", role
    if there(lambda: iam.get_role_policy(RoleName=role, PolicyName="log")):
        yield "aws_iam_role_policy.log", f"{role}:log"


def _function(lambda_: Any, name: str, *, public: bool) -> Iterator[tuple[str, str]]:
    if not there(lambda: lambda_.get_function_configuration(FunctionName=name)):
        return
    yield FUNCTION, name
    for alias in ALIASES:
        yield from _alias(lambda_, name, alias)
    policy = there(lambda: lambda_.get_policy(FunctionName=name, Qualifier=LIVE)) or {"Policy": ""}
    for statement, address in STATEMENTS.items():
        if public and f'"{statement}"' in policy["Policy"]:
            yield f"aws_lambda_permission.{address}", f"{name}:{LIVE}/{statement}"


def _alias(lambda_: Any, name: str, alias: str) -> Iterator[tuple[str, str]]:
    if not there(lambda: lambda_.get_alias(FunctionName=name, Name=alias)):
        return
    yield f"aws_lambda_alias.{ALIASES[alias]}", f"{name}/{alias}"
    if there(lambda: lambda_.get_function_url_config(FunctionName=name, Qualifier=alias)):
        yield f"aws_lambda_function_url.{ALIASES[alias]}", f"{name}/{alias}"


def there(ask: Callable[[], Any]) -> Any:
    """What AWS answers, None where it says that there is no such thing."""
    try:
        return ask()
    except ClientError as error:
        if code(error) in MISSING:
            return None
        raise

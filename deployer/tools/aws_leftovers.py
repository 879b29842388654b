"""What a deployment left behind, asked of each service itself: AWS's tagging API alone does not list everything.

No boto3 here: `client` gives the client of a service by its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from botocore.exceptions import ClientError

from deployer.tools.aws_errors import code, is_denied

OWNER_TAG = "deployer:name"

Clients = Callable[[str], Any]


def find(client: Clients, *, name: str, region: str, repository: str) -> tuple[str, ...]:
    """One line for each thing, such as `IAM role digits-us-east-1`, sorted and without repetition."""
    found = {
        *_functions(client("lambda"), name),
        *_log_groups(client("logs"), name),
        *_roles(client("iam"), name, region),
        *_repositories(client("ecr"), name, repository),
    }
    listed = {line.rpartition(" ")[2] for line in found}
    found.update(line for line, resource in _tagged(client("resourcegroupstaggingapi"), name) if resource not in listed)
    return tuple(sorted(found))


def repository_owner(ecr: Any, repository: str) -> str | None:
    """The deployment that deployer made an ECR repository for; None when there is no such repository or no such tag."""
    try:
        described = ecr.describe_repositories(repositoryNames=[repository])["repositories"][0]
    except ClientError as error:
        if code(error) == "RepositoryNotFoundException":
            return None
        raise
    return _ecr_tags(ecr, described["repositoryArn"]).get(OWNER_TAG)


def _functions(lambda_: Any, name: str) -> Iterator[str]:
    """The function by name; its versions, aliases, URLs and permissions cannot outlive it."""
    try:
        lambda_.get_function_configuration(FunctionName=name)
    except ClientError as error:
        if code(error) != "ResourceNotFoundException":
            raise
        return
    yield f"Lambda function {name}"


def _log_groups(logs: Any, name: str) -> Iterator[str]:
    """By name, a prefix search: other functions' names may begin with this one."""
    wanted = f"/aws/lambda/{name}"
    for page in logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=wanted):
        yield from (f"log group {wanted}" for group in page["logGroups"] if group["logGroupName"] == wanted)


def _roles(iam: Any, name: str, region: str) -> Iterator[str]:
    """The role by name; by tag those of this region, since roles are global and another region's is in use there."""
    expected = f"{name}-{region}"
    try:
        iam.get_role(RoleName=expected)
        yield f"IAM role {expected}"
    except ClientError as error:
        if code(error) != "NoSuchEntity":
            raise
    for page in _permitted(iam.get_paginator("list_roles").paginate()):
        for role in page["Roles"]:
            if role["RoleName"].startswith(expected) and _role_owner(iam, role["RoleName"]) == name:
                yield f"IAM role {role['RoleName']}"


def _role_owner(iam: Any, role: str) -> str | None:
    tags = iam.list_role_tags(RoleName=role)["Tags"]
    return next((str(tag["Value"]) for tag in tags if tag["Key"] == OWNER_TAG), None)


def _repositories(ecr: Any, name: str, repository: str) -> Iterator[str]:
    """The repository by name, and any other by tag. One without the tag belongs to somebody else, whatever its name."""
    if repository_owner(ecr, repository) == name:
        yield f"ECR repository {repository}"
    for page in _permitted(ecr.get_paginator("describe_repositories").paginate()):
        for described in page["repositories"]:
            if _ecr_tags(ecr, described["repositoryArn"]).get(OWNER_TAG) == name:
                yield f"ECR repository {described['repositoryName']}"


def _ecr_tags(ecr: Any, arn: str) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in ecr.list_tags_for_resource(resourceArn=arn)["tags"]}


def _tagged(tagging: Any, name: str) -> Iterator[tuple[str, str]]:
    """What AWS's tagging API knows: a line for it, and the resource's own name."""
    pages = tagging.get_paginator("get_resources").paginate(TagFilters=[{"Key": OWNER_TAG, "Values": [name]}])
    for page in _permitted(pages):
        for mapping in page["ResourceTagMappingList"]:
            arn = mapping["ResourceARN"]
            yield arn, _resource_name(arn)


def _permitted(pages: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Credentials narrowed to the deployment may not list everything; what has its name was asked for before."""
    try:
        yield from pages
    except ClientError as error:
        if not is_denied(error):
            raise


def _resource_name(arn: str) -> str:
    """`arn:aws:logs:us-east-1:1:log-group:/aws/lambda/digits:*` is about `/aws/lambda/digits`."""
    service, resource = arn.split(":", 5)[2::3]
    if service in {"ecr", "iam"}:
        return resource.partition("/")[2]
    return resource.split(":")[1] if ":" in resource else resource

"""What a deployment left behind, asked of each service itself: AWS's tagging API alone does not list everything.

No boto3 here: `client` gives the client of a service by its name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from botocore.exceptions import ClientError

from deployer.tools.aws_errors import code, is_denied
from deployer.tools.aws_function_parts import parts_of

OWNER_TAG = "deployer:name"

LOG_GROUP, REPOSITORY = "log group", "ECR repository"  # how the lines of these begin

Clients = Callable[[str], Any]
Found = tuple[str, str]  # a line for people, and the resource's own name


def find(client: Clients, *, name: str, region: str, repository: str) -> tuple[str, ...]:
    """One line for each thing, such as `IAM role digits-us-east-1`, sorted and without repetition."""
    found = {
        *_functions(client("lambda"), name),
        *_log_groups(client("logs"), name),
        *_roles(client("iam"), name, region),
        *_repositories(client("ecr"), name, repository),
        *_apis(client("apigatewayv2"), name),
    }
    listed = {resource for _, resource in found}
    tagged = _tagged(client("resourcegroupstaggingapi"), name)
    found.update((line, resource) for line, resource in tagged if resource not in listed)
    return tuple(sorted(line for line, _ in found))


def repository_owner(ecr: Any, repository: str) -> str | None:
    """The deployment that deployer made an ECR repository for; None when there is no such repository or no such tag."""
    try:
        described = ecr.describe_repositories(repositoryNames=[repository])["repositories"][0]
    except ClientError as error:
        if code(error) == "RepositoryNotFoundException":
            return None
        raise
    return _ecr_tags(ecr, described["repositoryArn"]).get(OWNER_TAG)


def _functions(lambda_: Any, name: str) -> Iterator[Found]:
    """The function by name, with what belongs to it: none of that can outlive it."""
    try:
        lambda_.get_function_configuration(FunctionName=name)
    except ClientError as error:
        if code(error) != "ResourceNotFoundException":
            raise
        return
    parts = parts_of(lambda_, name)
    yield f"Lambda function {name}{f' ({parts})' if parts else ''}", name


def _log_groups(logs: Any, name: str) -> Iterator[Found]:
    """The function's own by name; by tag those that have the name anywhere in theirs, as an HTTP API's log may have."""
    own = f"/aws/lambda/{name}"
    groups = logs.get_paginator("describe_log_groups")
    for page in groups.paginate(logGroupNamePrefix=own):
        yield from ((f"{LOG_GROUP} {own}", own) for group in page["logGroups"] if group["logGroupName"] == own)
    for page in _permitted(groups.paginate(logGroupNamePattern=name)):
        for group in page["logGroups"]:
            found = str(group["logGroupName"])
            if name in found and _log_group_owner(logs, group) == name:
                yield f"{LOG_GROUP} {found}", found


def _log_group_owner(logs: Any, group: dict[str, Any]) -> str | None:
    arn = str(group["arn"]).removesuffix(":*")  # the form that the call wants
    tags: dict[str, str] = logs.list_tags_for_resource(resourceArn=arn)["tags"]
    return tags.get(OWNER_TAG)


def _apis(apis: Any, name: str) -> Iterator[Found]:
    """HTTP APIs by tag; by name those that ask the function, since such a name may be anybody's."""
    for page in _permitted(apis.get_paginator("get_apis").paginate()):
        for api in page["Items"]:
            owner, identity = api.get("Tags", {}).get(OWNER_TAG), str(api["ApiId"])
            if owner == name or (owner is None and api["Name"] == name and _asks(apis, identity, name)):
                yield f"HTTP API {api['Name']} ({identity})", identity


def _asks(apis: Any, identity: str, function: str) -> bool:
    """Whether an integration of the API invokes the function, or one of its aliases or versions."""
    pages = apis.get_paginator("get_integrations").paginate(ApiId=identity)
    target = re.compile(rf":function:{re.escape(function)}(?![A-Za-z0-9_-])")
    return any(target.search(found.get("IntegrationUri", "")) for page in _permitted(pages) for found in page["Items"])


def _roles(iam: Any, name: str, region: str) -> Iterator[Found]:
    """The role by name; by tag those of this region, since roles are global and another region's is in use there."""
    expected = f"{name}-{region}"
    try:
        iam.get_role(RoleName=expected)
        yield f"IAM role {expected}", expected
    except ClientError as error:
        if code(error) != "NoSuchEntity":
            raise
    for page in _permitted(iam.get_paginator("list_roles").paginate()):
        for role in page["Roles"]:
            if role["RoleName"].startswith(expected) and _role_owner(iam, role["RoleName"]) == name:
                yield f"IAM role {role['RoleName']}", role["RoleName"]


def _role_owner(iam: Any, role: str) -> str | None:
    tags = iam.list_role_tags(RoleName=role)["Tags"]
    return next((str(tag["Value"]) for tag in tags if tag["Key"] == OWNER_TAG), None)


def _repositories(ecr: Any, name: str, repository: str) -> Iterator[Found]:
    """The repository by name, and any other by tag. One without the tag belongs to somebody else, whatever its name."""
    if repository_owner(ecr, repository) == name:
        yield f"{REPOSITORY} {repository}", repository
    for page in _permitted(ecr.get_paginator("describe_repositories").paginate()):
        for described in page["repositories"]:
            if _ecr_tags(ecr, described["repositoryArn"]).get(OWNER_TAG) == name:
                yield f"{REPOSITORY} {described['repositoryName']}", described["repositoryName"]


def _ecr_tags(ecr: Any, arn: str) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in ecr.list_tags_for_resource(resourceArn=arn)["tags"]}


def _tagged(tagging: Any, name: str) -> Iterator[Found]:
    """What AWS's tagging API knows: its ARN is the line."""
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
    if service == "apigateway":  # /apis/<id>
        return resource.rpartition("/")[2]
    return resource.split(":")[1] if ":" in resource else resource

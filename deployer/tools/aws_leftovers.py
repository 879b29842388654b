"""What a deployment left behind, asked of each service itself: AWS's tagging API alone does not list everything.

No boto3 here: `client` gives the client of a service by its name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
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
    listed, asked = {resource for _, resource in found}, _asked_by_name(name, region, repository)
    for arn in _tagged(client("resourcegroupstaggingapi"), name):
        if _resource_name(arn) not in listed and _service_and_resource(arn) not in asked:
            found.add((arn, arn))
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
            with _where_permitted():
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
            with _where_permitted():
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
            with _where_permitted():
                if _ecr_tags(ecr, described["repositoryArn"]).get(OWNER_TAG) == name:
                    yield f"{REPOSITORY} {described['repositoryName']}", described["repositoryName"]


def _ecr_tags(ecr: Any, arn: str) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in ecr.list_tags_for_resource(resourceArn=arn)["tags"]}


def _tagged(tagging: Any, name: str) -> Iterator[str]:
    """The ARNs that AWS's tagging API knows. It may still know for a while what is gone."""
    pages = tagging.get_paginator("get_resources").paginate(TagFilters=[{"Key": OWNER_TAG, "Values": [name]}])
    for page in _permitted(pages):
        yield from (str(mapping["ResourceARN"]) for mapping in page["ResourceTagMappingList"])


def _asked_by_name(name: str, region: str, repository: str) -> frozenset[tuple[str, str]]:
    """What its own service was asked for by name: whether that is there is known better than by its tag."""
    return frozenset(
        {
            ("lambda", f"function:{name}"),
            ("logs", f"log-group:/aws/lambda/{name}"),
            ("iam", f"role/{name}-{region}"),
            ("ecr", f"repository/{repository}"),
        }
    )


def _permitted(pages: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    with _where_permitted():
        yield from pages


@contextmanager
def _where_permitted() -> Iterator[None]:
    """Credentials narrowed to the deployment may not list or read everything; what has its name was asked for before.

    What they may not ask about is taken for somebody else's.
    """
    try:
        yield
    except ClientError as error:
        if not is_denied(error):
            raise


def _resource_name(arn: str) -> str:
    """`arn:aws:logs:us-east-1:1:log-group:/aws/lambda/digits:*` is about `/aws/lambda/digits`."""
    service, resource = _service_and_resource(arn)
    if service in {"ecr", "iam"}:
        return resource.partition("/")[2]
    if service == "apigateway":  # /apis/<id>
        return resource.rpartition("/")[2]
    return resource.split(":")[1] if ":" in resource else resource


def _service_and_resource(arn: str) -> tuple[str, str]:
    service, resource = arn.split(":", 5)[2::3]
    return service, resource.removesuffix(":*")  # as the ARN of a log group may end

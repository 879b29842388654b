"""What running deployer with a config may do in AWS: all that its commands need, and nothing else.

tests/functional/test_aws_calls.py holds the statements against the calls that the commands make. Where no call shows an
action, `why` names who asks for it; the names of documents are AWS's own.
"""

from __future__ import annotations

from collections.abc import Iterator

from deployer.config import DeploymentConfig
from deployer.policies import Statement
from deployer.stages.resource_names import ResourceNames
from deployer.tools.aws_leftovers import OWNER_TAG
from deployer.tools.aws_partition import partition_of
from deployer.tools.terraform_backend import wanted_place

FUNCTION = (
    *("CreateAlias", "CreateFunction", "DeleteAlias", "DeleteFunction", "DeleteFunctionConcurrency"),
    *("DeleteFunctionEventInvokeConfig", "DeleteFunctionUrlConfig", "DeleteProvisionedConcurrencyConfig", "GetAlias"),
    *("GetFunction", "GetFunctionConfiguration", "GetFunctionEventInvokeConfig", "GetFunctionUrlConfig", "GetPolicy"),
    *("GetProvisionedConcurrencyConfig", "InvokeFunction", "ListAliases", "ListTags", "ListVersionsByFunction"),
    *("PublishVersion", "RemovePermission", "TagResource", "UntagResource", "UpdateAlias", "UpdateFunctionCode"),
    "UpdateFunctionConfiguration",
)
LOG_GROUP = (
    *("CreateLogGroup", "DeleteLogGroup", "DescribeLogStreams", "GetLogEvents", "ListTagsForResource"),
    *("PutRetentionPolicy", "TagResource", "UntagResource"),
)
REPOSITORY = (
    *("BatchDeleteImage", "CreateRepository", "DeleteLifecyclePolicy", "DeleteRepository", "DeleteRepositoryPolicy"),
    *("DescribeImages", "DescribeRepositories", "GetLifecyclePolicy", "GetRepositoryPolicy", "ListTagsForResource"),
    *("PutLifecyclePolicy", "SetRepositoryPolicy", "TagResource"),
)
PUSH = (
    *("BatchCheckLayerAvailability", "BatchGetImage", "CompleteLayerUpload", "GetDownloadUrlForLayer"),
    *("InitiateLayerUpload", "PutImage", "UploadLayerPart"),
)
IN_LINE = ("PutImageScanningConfiguration", "PutImageTagMutability")
ROLE = ("CreateRole", "PutRolePolicy", "TagRole", "UntagRole")
ROLE_AWAY = (  # the provider reads a role and its policies again before it deletes them
    *("DeleteRole", "DeleteRolePolicy", "GetRole", "GetRolePolicy", "ListAttachedRolePolicies"),
    *("ListInstanceProfilesForRole", "ListRolePolicies", "ListRoleTags"),
)
REGIONAL_LISTS = ("cloudwatch:GetMetricData", "lambda:ListFunctions", "logs:DescribeLogGroups", "tag:GetResources")


def deployer_policy(config: DeploymentConfig, *, account: str = "*") -> tuple[Statement, ...]:
    """For `up`, `plan`, `history`, `rollback`, `prune`, `smoke-test`, `invoke`, `drift` and `down` of one deployment.

    sts:GetCallerIdentity is not in it: AWS allows that to everybody. What a config had before and has no more is taken
    away with these statements too, but for an HTTP API and a state in S3, which only a config that has them may touch:
    for such a step there is the policy of the config as it was. `state bucket` has a policy of its own
    (stages/state_bucket_policy); what `adopt` needs is listed in docs/adoption.md.
    """
    names = ResourceNames(config, account)
    return (
        *_function(names),
        *_traffic(names),
        *_settings(names),
        *_log(names),
        *_role(names),
        *_images(names),
        *_lists(names),
        *_checked_by_lambda(names),
        *_state(names),
    )


def _function(names: ResourceNames) -> Iterator[Statement]:
    why = "Makes, changes, tests and removes the function, its versions, aliases, URLs and tags."
    yield Statement("Function", _of("lambda", FUNCTION), names.function, why)


def _traffic(names: ResourceNames) -> Iterator[Statement]:
    """Who may ask the function, and by what."""
    spec = names.config.spec
    public = spec.endpoint == "function_url" and spec.auth == "none"
    private = {"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}}
    yield Statement(
        "FunctionUrls",
        _of("lambda", ("CreateFunctionUrlConfig", "UpdateFunctionUrlConfig")),
        names.function,
        "The URLs of candidate and live" + ("; live's is public." if public else "; neither may be made public."),
        {} if public else private,
    )
    yield Statement(
        "AskFunctionUrls",
        ("lambda:InvokeFunctionUrl",),
        names.function,
        "The smoke test's signed requests go to the URLs themselves, which ask for this and lambda:InvokeFunction"
        " (Lambda: Control access to function URLs).",
        shown=False,
    )
    if public:
        everybody = {"StringEquals": {"lambda:Principal": "*"}}
        why = "spec.auth: none lets everybody ask the URL of live: two permissions, for everybody and nobody else."
        yield Statement("PublicUrl", ("lambda:AddPermission",), names.function, why, everybody)
    if spec.endpoint == "http_api":
        yield from _http_api(names)


def _http_api(names: ResourceNames) -> Iterator[Statement]:
    """API Gateway names an API by an id that is not known before; parts of an API have no tags of their own."""
    gateway = {"StringEquals": {"lambda:Principal": "apigateway.amazonaws.com"}}
    why = "The HTTP API may ask live, and no other service."
    yield Statement("LetHttpApiAsk", ("lambda:AddPermission",), names.function, why, gateway)
    asked = {"StringEquals": {f"aws:RequestTag/{OWNER_TAG}": names.config.name}}
    why = "An HTTP API is made with deployer's tag alone."
    yield Statement("MakeHttpApi", ("apigateway:POST",), (names.apis("apis"),), why, asked)
    tagged = {"StringEquals": {f"aws:ResourceTag/{OWNER_TAG}": names.config.name}}
    verbs = ("apigateway:DELETE", "apigateway:PATCH")
    why = "The HTTP API and its stage, told from others by deployer's tag."
    yield Statement("HttpApi", verbs, (names.apis("apis/*"),), why, tagged)
    paths = ("cors", "integrations", "integrations/*", "routes", "routes/*", "stages")
    parts = tuple(names.apis(f"apis/*/{path}") for path in paths)
    why = "The API's integration, routes and stage: no tag of theirs can narrow this, and their ids come with them."
    yield Statement("HttpApiParts", ("apigateway:POST", *verbs), parts, why)
    tags = ("apigateway:DELETE", "apigateway:POST")
    why = "API Gateway asks for these where an API or a stage is given tags, or loses some."
    yield Statement("HttpApiTags", tags, (names.apis("tags/*"),), why)
    tagging = ("apigateway:TagResource", "apigateway:UntagResource")
    why = "Accounts ask for these too where an API or a stage is made with tags (aws-amplify/amplify-cli issue 12316)."
    yield Statement("HttpApiTagging", tagging, (names.apis("apis"), names.apis("apis/*")), why, shown=False)
    if names.config.spec.auth == "iam":
        why = "The smoke test's signed requests go to the API itself."
        yield Statement(
            "AskHttpApi", ("execute-api:Invoke",), (names.regional("execute-api", "*/*"),), why, shown=False
        )


def _settings(names: ResourceNames) -> Iterator[Statement]:
    """Settings that have calls of their own; reading and removing them is among the function's."""
    spec = names.config.spec
    wanted = {
        "lambda:PutFunctionConcurrency": spec.reserved_concurrency is not None,
        "lambda:PutProvisionedConcurrencyConfig": spec.provisioned_concurrency is not None,
        "lambda:PutFunctionEventInvokeConfig": spec.destinations is not None,
    }
    if any(wanted.values()):
        calls = tuple(call for call, here in wanted.items() if here)
        yield Statement("Settings", calls, names.function, "Settings of the config that have a call of their own.")


def _log(names: ResourceNames) -> Iterator[Statement]:
    why = "The function's log group with its retention; its last lines are shown where a smoke test fails."
    yield Statement("LogGroup", _of("logs", LOG_GROUP), names.log_group, why)


def _role(names: ResourceNames) -> Iterator[Statement]:
    spec = names.config.spec
    why = "The execution role that deployer made is taken away again."
    if not spec.role:
        why = "The execution role: its name, what it may do, and that it is taken away again."
        yield from _making_role(names)
    yield Statement("RoleAway", _of("iam", ROLE_AWAY), (names.own_role,), why)
    yield Statement(
        "PassRole",
        ("iam:PassRole",),
        (names.role,),
        "Lambda asks for it when a function is given its execution role (Lambda: Identity-based policies).",
        {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}},
        shown=False,
    )


def _making_role(names: ResourceNames) -> Iterator[Statement]:
    boundary = names.config.spec.permission_boundary
    if not boundary:
        calls = _of("iam", (*ROLE, "DeleteRolePermissionsBoundary"))
        yield Statement("Role", calls, (names.own_role,), "The execution role, its policies and its tags.")
        return
    bounded = ("CreateRole", "PutRolePermissionsBoundary", "PutRolePolicy")
    within = {"StringEquals": {"iam:PermissionsBoundary": boundary}}
    why = "No role is made or given rights without spec.permission_boundary."
    yield Statement("BoundedRole", _of("iam", bounded), (names.own_role,), why, within)
    others = tuple(call for call in ROLE if call not in bounded)
    yield Statement("Role", _of("iam", others), (names.own_role,), "The execution role's policies and tags.")


def _images(names: ResourceNames) -> Iterator[Statement]:
    why = "The ECR repository: made with its policies, read for digests, pruned, removed."
    yield Statement("Repository", _of("ecr", REPOSITORY), (names.repository,), why)
    why = "The image goes to the registry over HTTP, which asks for these (ECR: IAM permissions for pushing an image);"
    why += " the settings of a repository that was made otherwise are put right."
    yield Statement("PushImage", _of("ecr", (*PUSH, *IN_LINE)), (names.repository,), why, shown=False)


def _lists(names: ResourceNames) -> Iterator[Statement]:
    """Calls that AWS allows for all resources or none."""
    here = {"StringEquals": {"aws:RequestedRegion": names.region}}
    why = "A login for the registry. It is good for nothing that the statements about images do not allow."
    yield Statement("RegistryLogin", ("ecr:GetAuthorizationToken",), ("*",), why, here)
    why = "Metrics of a canary; lists in which `down` and `prune` look for what is left and for who uses an image."
    yield Statement("Lists", REGIONAL_LISTS, ("*",), why, here)
    yield Statement(
        "Leftovers",
        ("apigateway:GET", "ecr:DescribeRepositories", "ecr:ListTagsForResource", "logs:ListTagsForResource"),
        (
            names.apis("apis"),
            names.apis("apis/*"),
            names.regional("ecr", "repository/*"),
            names.regional("logs", "log-group:*"),
        ),
        "`down` finds by their tag also those of the deployment's resources that have another name.",
    )
    why = "The same for roles, which are global."
    yield Statement("Roles", ("iam:ListRoles",), ("*",), why)


def _checked_by_lambda(names: ResourceNames) -> Iterator[Statement]:
    """Lambda looks at what a function is to use with the rights of whoever makes the function."""
    spec, here = names.config.spec, {"StringEquals": {"aws:RequestedRegion": names.region}}
    if spec.vpc:
        calls = _of("ec2", ("DescribeSecurityGroups", "DescribeSubnets", "DescribeVpcs"))
        why = "spec.vpc: Lambda looks the network up for whoever makes the function (Lambda: Giving functions access"
        yield Statement("Vpc", calls, ("*",), f"{why} to resources in a VPC).", here, shown=False)
    if spec.file_system:
        mounts = (spec.file_system.access_point, names.regional("elasticfilesystem", "file-system/*"))
        why = "spec.file_system: Lambda looks the mount targets up for whoever makes the function (Lambda: Configuring"
        calls = ("elasticfilesystem:DescribeMountTargets",)
        yield Statement("FileSystem", calls, mounts, f"{why} file system access).", shown=False)
    if spec.kms_key:
        through = {"StringEquals": {"kms:ViaService": partition_of(names.region).via("lambda", names.region)}}
        why = "spec.kms_key: Lambda makes itself a grant with the rights of whoever makes the function, and encrypts"
        calls = ("kms:CreateGrant", "kms:Decrypt", "kms:Encrypt")
        yield Statement(
            "KmsKey", calls, (spec.kms_key,), f"{why} (Lambda: Securing environment variables).", through, shown=False
        )


def _state(names: ResourceNames) -> Iterator[Statement]:
    backend, place = names.config.terraform.backend, wanted_place(names.config)
    if backend is None:
        return
    bucket = names.bucket(backend)
    why = "terraform.backend: the state, and the lock beside it (terraform: Backend Type: s3)."
    calls = ("s3:DeleteObject", "s3:GetObject", "s3:PutObject")
    yield Statement("State", calls, (f"{bucket}/{place.key}", f"{bucket}/{place.key}.tflock"), why)
    yield Statement("StateBucket", ("s3:ListBucket",), (bucket,), "Looks whether the bucket and a state are there.")


def _of(service: str, calls: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{service}:{call}" for call in calls)

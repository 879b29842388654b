"""What `deployer iam-policy` prints: for which configs which actions, on whose resources, on which conditions."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from config_values import ACCOUNT, CONFIGS
from idle_toolbox import idle_toolbox

from deployer.config import DeploymentConfig, Spec, load_config
from deployer.config.values import Backend, Destinations, FileSystem, TerraformOptions, Vpc
from deployer.errors import BadInput
from deployer.policies import MANAGED_POLICY_LIMIT, Statement, characters, document
from deployer.stages.execution_role import execution_role_policy
from deployer.stages.iam_policy import deployer_policy
from deployer.ui_policy import print_statements
from deployer.workflows.deployment import Selection
from deployer.workflows.iam_policy import Whose, iam_policy

READS = re.compile(r"[a-z0-9-]+:(Describe|Get|List)\w+")
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1"
POINT = f"arn:aws:elasticfilesystem:us-east-1:{ACCOUNT}:access-point/fsap-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/team/theirs"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
NETWORK = {"ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"}

PLAIN = DeploymentConfig(name="digits")
PUBLIC = DeploymentConfig(name="digits", spec=Spec(auth="none"))
API = DeploymentConfig(name="digits", spec=Spec(endpoint="http_api"))
EVERYTHING = DeploymentConfig(
    name="digits",
    spec=Spec(
        endpoint="http_api",
        vpc=Vpc(["subnet-1"], ["sg-1"]),
        file_system=FileSystem(POINT, "/mnt/models"),
        kms_key=KEY,
        destinations=Destinations(),
        reserved_concurrency=1,
        provisioned_concurrency=1,
        permission_boundary=BOUNDARY,
    ),
    terraform=TerraformOptions(backend=Backend("states")),
)
SEVERAL = (PLAIN, PUBLIC, API, EVERYTHING, replace(PLAIN, spec=Spec(role=ROLE)))


def allowed(config: DeploymentConfig, *, account: str = ACCOUNT) -> dict[str, Statement]:
    """The statements by their names."""
    statements = deployer_policy(config, account=account)
    assert len(statements) == len({one.sid for one in statements})
    return {one.sid: one for one in statements}


def actions(config: DeploymentConfig) -> set[str]:
    return {action for one in deployer_policy(config, account=ACCOUNT) for action in one.actions}


@pytest.mark.parametrize("config", SEVERAL, ids=range(len(SEVERAL)))
def test_what_is_not_the_deployments_own_is_only_read(config: DeploymentConfig) -> None:
    """A statement about all resources has nothing that changes one, and is about this region unless it is about IAM."""
    for one in deployer_policy(config, account=ACCOUNT):
        if "*" in one.resources:
            assert all(READS.fullmatch(action) for action in one.actions), one
            assert one.sid == "Roles" or {"aws:RequestedRegion": "us-east-1"} == one.conditions["StringEquals"]


@pytest.mark.parametrize("config", SEVERAL, ids=range(len(SEVERAL)))
def test_what_changes_something_names_the_deployment(config: DeploymentConfig) -> None:
    """Of API Gateway, which has no names, a tag; of VPCs, keys and roles of the user's, theirs."""
    theirs = {KEY, POINT, ROLE}
    for one in deployer_policy(config, account=ACCOUNT):
        changes = [action for action in one.actions if not READS.fullmatch(action) and action != "apigateway:GET"]
        if (
            changes
            and not set(one.resources) <= theirs
            and one.sid not in ("HttpApiParts", "HttpApiTags", "HttpApiTagging", "AskHttpApi")
        ):
            assert all("digits" in text for text in one.resources) or "digits" in str(one.conditions), one


def test_names_follow_the_region_and_the_account() -> None:
    """Other partitions have ARNs of their own; `*` stands for an account that is not known."""
    china = replace(PLAIN, spec=Spec(region="cn-north-1", repository="team/digits"))

    function = allowed(china)["Function"].resources[0]
    assert f"arn:aws-cn:lambda:cn-north-1:{ACCOUNT}:function:digits" == function
    assert (f"arn:aws-cn:ecr:cn-north-1:{ACCOUNT}:repository/team/digits",) == allowed(china)["Repository"].resources
    assert (f"arn:aws-cn:iam::{ACCOUNT}:role/digits-cn-north-1",) == allowed(china)["Role"].resources
    assert "arn:aws-eusc:iam::" in allowed(replace(PLAIN, spec=Spec(region="eusc-de-east-1")))["Role"].resources[0]
    unknown = allowed(PLAIN, account="*")
    assert ("arn:aws:iam::*:role/digits-us-east-1",) == unknown["PassRole"].resources


def test_keys_are_used_through_the_services_of_the_partition() -> None:
    """KMS may know a service in China by either suffix, for deployer as for the function."""
    spec = Spec(region="cn-north-1", kms_key=f"arn:aws-cn:kms:cn-north-1:{ACCOUNT}:key/1")
    china = replace(PLAIN, spec=spec, secrets={"KEY": "ssm:/digits/key"})
    role = {one.sid: one for one in execution_role_policy(china, account=ACCOUNT)}

    through = allowed(china)["KmsKey"].conditions["StringEquals"]["kms:ViaService"]
    assert ["lambda.cn-north-1.amazonaws.com.cn", "lambda.cn-north-1.amazonaws.com"] == through
    through = role["KeysOfSsm"].conditions["StringEquals"]["kms:ViaService"]
    assert ["ssm.cn-north-1.amazonaws.com.cn", "ssm.cn-north-1.amazonaws.com"] == through


def test_a_private_function_cannot_be_made_public() -> None:
    """Neither by a permission nor by a URL; a public one lets everybody ask, and nobody in particular."""
    assert "lambda:AddPermission" not in actions(PLAIN)
    assert {"lambda:FunctionUrlAuthType": "AWS_IAM"} == allowed(PLAIN)["FunctionUrls"].conditions["StringEquals"]
    assert {} == allowed(PUBLIC)["FunctionUrls"].conditions
    assert {"lambda:Principal": "*"} == allowed(PUBLIC)["PublicUrl"].conditions["StringEquals"]
    assert {"lambda:Principal": "apigateway.amazonaws.com"} == allowed(API)["LetHttpApiAsk"].conditions["StringEquals"]
    assert "PublicUrl" not in allowed(replace(PUBLIC, spec=Spec(auth="none", endpoint="http_api")))


def test_only_a_config_with_an_http_api_may_change_apis() -> None:
    """The others look for APIs that are left, and no more."""
    assert {"apigateway:GET"} == {action for action in actions(PUBLIC) if action.startswith("apigateway:")}
    changing = {"apigateway:DELETE", "apigateway:PATCH"}
    assert changing <= set(allowed(API)["HttpApi"].actions)
    assert {"aws:ResourceTag/deployer:name": "digits"} == allowed(API)["HttpApi"].conditions["StringEquals"]
    assert {"aws:RequestTag/deployer:name": "digits"} == allowed(API)["MakeHttpApi"].conditions["StringEquals"]


def test_a_boundary_is_on_every_role_that_is_made() -> None:
    """Without it no role can be made, and it cannot be taken away."""
    makes = {
        sid for sid, one in allowed(EVERYTHING).items() if {"iam:CreateRole", "iam:PutRolePolicy"} & {*one.actions}
    }

    assert {"BoundedRole"} == makes
    assert {"iam:PermissionsBoundary": BOUNDARY} == allowed(EVERYTHING)["BoundedRole"].conditions["StringEquals"]
    assert "iam:DeleteRolePermissionsBoundary" not in actions(EVERYTHING)
    assert "iam:DeleteRolePermissionsBoundary" in actions(PLAIN)


def test_a_role_of_the_users_is_passed_and_not_changed() -> None:
    """What deployer made for the function before may still be taken away."""
    theirs = allowed(replace(PLAIN, spec=Spec(role=ROLE)))

    assert (ROLE,) == theirs["PassRole"].resources
    assert {"iam:PassedToService": "lambda.amazonaws.com"} == theirs["PassRole"].conditions["StringEquals"]
    assert not {"iam:CreateRole", "iam:PutRolePolicy"} & {action for one in theirs.values() for action in one.actions}
    assert (f"arn:aws:iam::{ACCOUNT}:role/digits-us-east-1",) == theirs["RoleAway"].resources


def test_a_role_can_be_taken_away_by_every_config() -> None:
    """The provider reads a role and its policies again before it deletes them: `spec.role` may be new."""
    reads = {"iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"}
    for config in SEVERAL:
        assert reads | {"iam:DeleteRole", "iam:DeleteRolePolicy"} <= set(allowed(config)["RoleAway"].actions)


@pytest.mark.parametrize(
    ("spec", "added"),
    [
        (Spec(reserved_concurrency=0), {"lambda:PutFunctionConcurrency"}),
        (Spec(provisioned_concurrency=1), {"lambda:PutProvisionedConcurrencyConfig"}),
        (Spec(destinations=Destinations()), {"lambda:PutFunctionEventInvokeConfig"}),
        (Spec(vpc=Vpc(["subnet-1"], ["sg-1"])), NETWORK),
        (
            Spec(vpc=Vpc(["subnet-1"], ["sg-1"]), file_system=FileSystem(POINT, "/mnt/a")),
            {*NETWORK, "elasticfilesystem:DescribeMountTargets"},
        ),
        (Spec(kms_key=KEY), {"kms:CreateGrant", "kms:Decrypt", "kms:Encrypt"}),
        (Spec(tracing=True, snapstart=True, log_format="JSON", dead_letter=KEY), set()),
    ],
)
def test_a_setting_brings_its_actions(spec: Spec, added: set[str]) -> None:
    """And nothing else; what only the function uses is its role's affair."""
    assert added == actions(replace(PLAIN, spec=spec)) - actions(PLAIN)


def test_a_state_in_s3_is_one_object_and_its_lock() -> None:
    """Its key is the one that terraform is given, each environment's its own; the bucket is only listed."""
    remote = TerraformOptions(backend=Backend("states"))
    state = allowed(replace(PLAIN, environment="prod", terraform=remote))

    key = "arn:aws:s3:::states/deployer/digits/prod/us-east-1/terraform.tfstate"
    assert (key, f"{key}.tflock") == state["State"].resources
    assert (("s3:ListBucket",), ("arn:aws:s3:::states",)) == (
        state["StateBucket"].actions,
        state["StateBucket"].resources,
    )


def test_what_no_call_shows_says_who_asks_for_it() -> None:
    """In words, with AWS's own document where the reason is Lambda's or ECR's."""
    unseen = {one.sid: one.why for one in deployer_policy(EVERYTHING, account=ACCOUNT) if not one.shown}

    assert {
        "AskFunctionUrls",
        "AskHttpApi",
        "HttpApiTagging",
        "PassRole",
        "PushImage",
        "Vpc",
        "FileSystem",
        "KmsKey",
    } == {*unseen}
    assert all(re.search(r"\((Lambda|ECR): .+\)|API", why) for why in unseen.values())


@pytest.mark.parametrize("name", CONFIGS)
def test_the_execution_role_is_what_the_template_makes(name: str) -> None:
    """Held against the plan of the template, but for the log, whose name terraform knows only when it is made."""
    config = load_config(CONFIGS[name])
    golden = Path(__file__).parents[1] / "golden" / "expected" / f"template-{name}.json"
    made = json.loads(golden.read_text(encoding="utf-8"))
    reach: list[dict[str, Any]] = made.get("aws_iam_role_policy.reach[0]", {}).get("policy", {}).get("Statement", [])

    printed = document(execution_role_policy(config, account=ACCOUNT))["Statement"]
    assert "Log" == printed[0]["Sid"]
    if not config.spec.role:
        assert reach == [{key: value for key, value in one.items() if key != "Sid"} for one in printed[1:]]


def test_the_document_is_as_iam_takes_it() -> None:
    """Sids of letters and digits, a condition only where there is one, and white space that does not count."""
    one = Statement(
        "Read", ("s3:GetObject",), ("arn:aws:s3:::a/b",), "Because.", {"Bool": {"aws:SecureTransport": "true"}}
    )
    written = document([one, replace(one, sid="Again", conditions={})])

    assert "2012-10-17" == written["Version"]
    assert {"Bool": {"aws:SecureTransport": "true"}} == written["Statement"][0]["Condition"]
    expected = {"Sid": "Again", "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::a/b"]}
    assert expected == written["Statement"][1]
    assert len("".join(json.dumps(written).split())) == characters([one, replace(one, sid="Again", conditions={})])
    sids = [statement["Sid"] for config in SEVERAL for statement in document(deployer_policy(config))["Statement"]]
    assert all(re.fullmatch("[A-Za-z0-9]+", sid) for sid in sids)


def test_most_policies_fit_a_managed_one() -> None:
    """A plain one with the longest name, and one with every key of reference.yaml."""
    reference = load_config(CONFIGS["reference"])
    assert characters(deployer_policy(reference, account=ACCOUNT)) < MANAGED_POLICY_LIMIT
    longest = replace(PUBLIC, name="d" * 54, spec=replace(PUBLIC.spec, region="ap-southeast-3"))

    assert characters(deployer_policy(longest, account=ACCOUNT)) < MANAGED_POLICY_LIMIT


def said_for(
    config: dict[str, Any], folder: Path, *, whose: Whose = "deployer"
) -> tuple[tuple[Statement, ...], list[str]]:
    """The statements for a config file, and what the user is told beside them."""
    needed = {"api_version": "v1", "operator": {"name": "aws-lambda"}, "template": "terraform"}
    file = folder / "digits.yaml"
    file.write_text(json.dumps({"name": "digits", "target": "aws", **needed, **config}))
    tools = idle_toolbox(folder, variables={}, aws=None, terraform=None)
    return iam_policy(Selection(config=file), tools, whose=whose), tools.progress.notes  # type: ignore[attr-defined]


def test_it_is_printed_before_anything_is_deployed(tmp_path: Path) -> None:
    """AWS is not asked; an account that nobody has named is told of."""
    statements, notes = said_for({}, tmp_path)
    assert deployer_policy(replace(PLAIN, target="aws"), account="*") == statements
    assert ["No account is known: ARNs have `*` in its place. `account:` in the config narrows them."] == notes

    statements, notes = said_for({"account": ACCOUNT}, tmp_path)
    assert (deployer_policy(PLAIN, account=ACCOUNT), []) == (statements, notes)
    statements, _ = said_for({"account": ACCOUNT, "spec": {"tracing": True}}, tmp_path, whose="role")
    assert ["Log", "Tracing"] == [one.sid for one in statements]


def test_who_makes_the_bucket_of_the_states_has_a_policy_of_its_own(tmp_path: Path) -> None:
    """Of the bucket that the config names; without one there is none to make."""
    backend = {"backend": {"type": "s3", "bucket": "states"}}
    [one], _ = said_for({"account": ACCOUNT, "terraform": backend}, tmp_path, whose="state-bucket")
    assert ("arn:aws:s3:::states",) == one.resources
    assert not [action for action in one.actions if "Object" in action or "Delete" in action]
    with pytest.raises(BadInput, match="The config of digits names no bucket"):
        said_for({}, tmp_path, whose="state-bucket")


def test_a_policy_that_is_too_long_is_told_of(tmp_path: Path) -> None:
    """With its length, the limit, and what to do."""
    spec = {
        "endpoint": "http_api",
        "kms_key": "arn:aws:kms:us-east-1:123456789012:key/055efbb4-0000-4336-ba9c-538c7d31f599",
        "vpc": {"subnet_ids": ["subnet-1"], "security_group_ids": ["sg-1"]},
        "provisioned_concurrency": 1,
    }
    statements, notes = said_for({"name": "d" * 54, "account": ACCOUNT, "spec": spec}, tmp_path)

    assert [f"These are {characters(statements)} characters, and a managed policy takes 6144: make two policies of the"
            " statements, or write them into a role as its inline policy (10240)."] == notes  # fmt: skip


def test_each_statement_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    """Its name and why, what no call shows, the actions by service, the resources, the conditions."""
    here: dict[str, dict[str, Any]] = {
        "StringEquals": {"aws:RequestedRegion": "us-east-1", "lambda:Principal": ["a", "b"]}
    }
    print_statements(
        [
            Statement("One", ("ecr:PutImage", "ecr:GetImage"), ("arn:1", "arn:2"), "Push.", here, shown=False),
            Statement("Two", ("iam:ListRoles", "tag:GetResources"), ("*",), "Look.", {"Bool": {"aws:x": "true"}}),
        ]
    )

    assert capsys.readouterr().out.splitlines() == [
        "One: Push.",
        "  (no call of deployer's shows it)",
        "  ecr: PutImage, GetImage",
        "  on arn:1",
        "  on arn:2",
        "  where aws:RequestedRegion is us-east-1",
        "  where lambda:Principal is a or b",
        "",
        "Two: Look.",
        "  iam: ListRoles",
        "  tag: GetResources",
        "  on *",
        "  where aws:x Bool true",
    ]

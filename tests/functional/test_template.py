"""The shipped template: what it makes, that nothing is left to change, what makes a new version, and the way back."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto_server import moto_server
from terraform_on_moto import ACCOUNT, REGION, REPOSITORY, TerraformOnMoto

from deployer.errors import DeployerError
from deployer.templates import template_folder
from deployer.tools.terraform import find_terraform

PUBLIC = ("aws_lambda_permission.public_invoke[0]", "aws_lambda_permission.public_url[0]")
RESOURCES = (
    "aws_cloudwatch_log_group.this",
    "aws_iam_role.this",
    "aws_iam_role_policy.log",
    "aws_lambda_alias.live",
    "aws_lambda_function.this",
    "aws_lambda_function_url.live",
    *PUBLIC,
)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with moto_server() as url:
        yield url


@pytest.fixture
def made(tmp_path: Path, endpoint: str) -> TerraformOnMoto:
    """A deployment that is up, in an account of its own."""
    deployment = TerraformOnMoto(tmp_path / "terraform", endpoint)
    deployment.forget()
    deployment.write()
    deployment.up()
    return deployment


def test_the_first_apply_makes_a_published_version_behind_a_public_url(made: TerraformOnMoto) -> None:
    """Outputs, function, alias, permissions, log group and tags; a second plan of terraform itself is empty."""
    function = made.client("lambda").get_function(FunctionName="digits")
    settings, outputs = function["Configuration"], made.terraform.output()
    assert RESOURCES == tuple(sorted(made.terraform.resources()))
    assert ("digits", "1") == (outputs.function_name, outputs.version)
    assert f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{REPOSITORY}:v1" == outputs.image_tag
    assert outputs.endpoint.rstrip("/") + "/" == outputs.raw["endpoint"]
    assert f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{REPOSITORY}@{made.push('v1')}" == function["Code"]["ImageUri"]
    assert (30, 512, 1024) == (settings["Timeout"], settings["MemorySize"], settings["EphemeralStorage"]["Size"])
    assert {"deployer:name": "digits", "deployer:bento": "digits:v1", "team": "ml"} == function["Tags"]
    assert "1" == made.client("lambda").get_alias(FunctionName="digits", Name="live")["FunctionVersion"]
    assert ["lambda:InvokeFunction", "lambda:InvokeFunctionUrl"] == allowed_to_everyone(made)
    groups = made.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/digits")["logGroups"]
    assert [("/aws/lambda/digits", 7)] == [(group["logGroupName"], group["retentionInDays"]) for group in groups]
    assert () == made.up()
    assert 0 == plan_by_hand(made)


def test_the_role_may_write_its_own_log_and_nothing_else(made: TerraformOnMoto) -> None:
    """Only Lambda may take it on."""
    iam, role = made.client("iam"), f"digits-{REGION}"
    policy = iam.get_role_policy(RoleName=role, PolicyName="log")["PolicyDocument"]["Statement"]
    trust = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]["Statement"]
    assert [
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/digits:*",
        }
    ] == policy
    assert [{"Service": "lambda.amazonaws.com"}] == [statement["Principal"] for statement in trust]
    assert (["log"], []) == (
        iam.list_role_policies(RoleName=role)["PolicyNames"],
        iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"],
    )


def test_another_image_and_another_environment_are_other_versions(made: TerraformOnMoto) -> None:
    """Each publishes a version, moves the alias and leaves an empty plan; any text arrives at the function."""
    greeting = 'a"b\\c\n${x} %{y} [red]é'
    made.write("v2")
    assert {"update aws_lambda_function.this", "update aws_lambda_alias.live"} <= set(made.up())
    assert ("2", ()) == (made.terraform.output().version, made.up())
    made.write("v2", environment={"GREETING": greeting})
    assert ("update aws_lambda_alias.live", "update aws_lambda_function.this") == made.up()
    alias = made.client("lambda").get_alias(FunctionName="digits", Name="live")
    settings = made.client("lambda").get_function_configuration(FunctionName="digits")
    assert ("3", {"GREETING": greeting}) == (alias["FunctionVersion"], settings["Environment"]["Variables"])
    made.write("v2", environment={})
    made.up()
    assert () == made.up()


def test_a_private_url_has_no_public_permission_of_the_templates(made: TerraformOnMoto) -> None:
    """`iam` takes both away again, and the plan after it is empty."""
    made.write("v1", auth="iam")
    assert (*(f"delete {address}" for address in PUBLIC), "update aws_lambda_function_url.live") == made.up()
    url = made.client("lambda").get_function_url_config(FunctionName="digits", Qualifier="live")
    assert "AWS_IAM" == url["AuthType"]
    assert "lambda:InvokeFunction" not in allowed_to_everyone(made)
    assert () == made.up()


def test_destroying_leaves_nothing_but_the_repository_and_is_done_once(made: TerraformOnMoto) -> None:
    """The repository is not terraform's; deployer deletes it afterwards."""
    assert RESOURCES == made.down()
    assert (f"ECR repository {REPOSITORY}",) == made.aws.leftovers("digits", repository=REPOSITORY)
    assert made.aws.delete_repository(REPOSITORY, owner="digits")
    assert ((), ()) == (made.aws.leftovers("digits", repository=REPOSITORY), made.terraform.resources())
    assert () == made.down()


def test_what_aws_has_forgotten_is_made_again(made: TerraformOnMoto) -> None:
    """A restarted local AWS: with the image pushed again, one plan and apply heal."""
    made.forget()
    made.write()
    assert tuple(f"create {address}" for address in RESOURCES) == made.up()
    assert () == made.up()


def test_what_aws_has_forgotten_can_be_destroyed(made: TerraformOnMoto) -> None:
    """Repository, function and all are gone: the state is emptied without an error."""
    made.forget()
    assert () == made.down()
    assert () == made.terraform.resources()


def test_a_deployment_whose_image_is_gone_can_be_destroyed(made: TerraformOnMoto) -> None:
    """The lookup of the image, which stops an ordinary plan, does not stop this one."""
    made.client("ecr").delete_repository(repositoryName=REPOSITORY, force=True)
    with pytest.raises(DeployerError, match=r"data\.aws_ecr_image\.this\[0\].*: reading ECR Images"):
        made.terraform.plan()
    assert RESOURCES == made.down()


def test_limits_are_refused_by_terraform_before_anything_is_made(tmp_path: Path, endpoint: str) -> None:
    """Every variable that is wrong is named in one message."""
    deployment = TerraformOnMoto(tmp_path / "terraform", endpoint)
    deployment.forget()
    wrong = {
        "region": "here",
        "name": "a b",
        "repository_name": "Team",
        "image_tag": "digits",
        "image_digest": "sha256:1",
        "timeout": 901,
        "memory_size": 127,
        "ephemeral_storage": 511,
        "auth": "public",
        "log_retention_days": 8,
        "description": "d" * 257,
        "tags": {f"k{number}": "v" for number in range(51)},
        "environment": {"A-B": "v"},
    }
    deployment.write(**wrong)
    deployment.terraform.init()
    with pytest.raises(DeployerError) as caught:
        deployment.terraform.plan()
    assert [] == [
        name for name in wrong if f"{name} " not in caught.value.message and name not in {"tags", "environment"}
    ]
    assert all(said in caught.value.message for said in ("at most 50 tags", "Names in environment"))


def test_the_template_is_formatted_and_every_variable_and_output_is_described(made: TerraformOnMoto) -> None:
    """As terraform itself formats and validates."""
    binary = str(find_terraform(made.shell))
    subprocess.run([binary, "fmt", "-check", "-diff", str(template_folder())], check=True, timeout=60, env=made.shell)
    checked = subprocess.run(
        [binary, "validate", "-json"], cwd=made.folder, env=clean(made), check=True, timeout=120, capture_output=True
    )
    assert [] == json.loads(checked.stdout)["diagnostics"]
    blocks = "".join(file.read_text() for file in template_folder().glob("*.tf"))
    declared = sum(line.startswith(("variable ", "output ")) for line in blocks.splitlines())
    assert (
        declared
        == sum(line.startswith("  description = ") for line in blocks.splitlines() if "  =" not in line[:15]) - 1
    )


def allowed_to_everyone(made: TerraformOnMoto) -> list[str]:
    """The actions that the alias's policy allows to anyone, by statements of the template's."""
    policy = json.loads(made.client("lambda").get_policy(FunctionName="digits", Qualifier="live")["Policy"])
    public = [statement for statement in policy["Statement"] if statement["Principal"] == "*"]
    return sorted(statement["Action"] for statement in public if statement["Sid"].startswith("Public"))


def clean(made: TerraformOnMoto) -> dict[str, str]:
    return {name: value for name, value in made.shell.items() if name != "TF_CLI_CONFIG_FILE"}


def plan_by_hand(made: TerraformOnMoto) -> int:
    """What a user's own `terraform plan` in the folder says: 0 is no difference, 2 is one."""
    argv = [str(find_terraform(made.shell)), "plan", "-input=false", "-detailed-exitcode"]
    return subprocess.run(
        argv, cwd=made.folder, env=made.shell, check=False, timeout=120, capture_output=True
    ).returncode

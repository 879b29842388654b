"""The shipped template: what it makes, that nothing is left to change, what makes a new version, and the way back."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from local_endpoint import LocalEndpoint
from template_on_local_aws import ACCOUNT, REGION, REPOSITORY, TemplateOnLocalAws

from deployer.errors import DeployerError
from deployer.templates import template_folder
from deployer.tools.terraform import find_terraform
from deployer.tools.terraform_binary import child_variables

PUBLIC = "aws_lambda_permission.public_url[0]"
LIVE = ("aws_lambda_alias.live[0]", "aws_lambda_function_url.live[0]", PUBLIC)
IMAGES = ("aws_ecr_lifecycle_policy.this[0]", "aws_ecr_repository_policy.this[0]")
RESOURCES = (
    "aws_cloudwatch_log_group.this",
    *IMAGES,
    "aws_iam_role.this[0]",
    "aws_iam_role_policy.log[0]",
    "aws_lambda_alias.candidate",
    "aws_lambda_alias.live[0]",
    "aws_lambda_function.this",
    "aws_lambda_function_url.candidate",
    "aws_lambda_function_url.live[0]",
    PUBLIC,
)
URI = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{REPOSITORY}"
WRONG: dict[str, object] = {
    "region": "here",
    "name": "a b",
    "repository_name": "Team",
    "image_tag": "digits",
    "image_digest": "sha256:1",
    "timeout": 901,
    "memory_size": 127,
    "ephemeral_storage": 511,
    "auth": "public",
    "invoke_mode": "stream",
    "log_retention_days": 8,
    "description": "d" * 257,
    "tags": {f"k{number}": "v" for number in range(51)},
    "environment": {"A-B": "é" * 2050},
}


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEndpoint]:
    local = LocalEndpoint(tmp_path_factory.mktemp("blobs"))
    yield local
    local.close()


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory, endpoint: LocalEndpoint) -> TemplateOnLocalAws:
    """One working folder for the whole module: an apply takes longer than all else here."""
    return TemplateOnLocalAws(tmp_path_factory.mktemp("template") / "terraform", endpoint)


@pytest.fixture
def made(deployment: TemplateOnLocalAws) -> TemplateOnLocalAws:
    """The deployment as it is after a first `up`, whatever a test before has made of it."""
    deployment.write()
    deployment.up()
    return deployment


def test_a_published_version_is_behind_a_public_url(made: TemplateOnLocalAws) -> None:
    """Outputs, function, alias, permissions, log group and tags; a plan of the user's own is empty."""
    function = made.client("lambda").get_function(FunctionName="digits")
    settings, outputs = function["Configuration"], made.terraform.output()
    candidate = alias(made, "candidate")
    assert RESOURCES == tuple(sorted(made.terraform.resources()))
    assert ("digits", candidate["FunctionVersion"]) == (outputs.function_name, outputs.version)
    assert f"{URI}:v1" == outputs.image_tag
    assert outputs.endpoint.rstrip("/") + "/" == outputs.raw["endpoint"]
    assert outputs.candidate_endpoint.rstrip("/") + "/" == outputs.raw["candidate_endpoint"] != outputs.endpoint
    assert f"{URI}@{made.push('v1')}" == function["Code"]["ImageUri"]
    assert (30, 512, 1024) == (settings["Timeout"], settings["MemorySize"], settings["EphemeralStorage"]["Size"])
    assert {"deployer:name": "digits", "deployer:bento": "digits:v1", "team": "ml"} == function["Tags"]
    assert ["lambda:InvokeFunctionUrl"] == allowed_to_everyone(made)
    groups = made.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/digits")["logGroups"]
    assert [("/aws/lambda/digits", 7)] == [(group["logGroupName"], group["retentionInDays"]) for group in groups]
    assert 0 == plan_by_hand(made)


def test_the_role_may_write_its_own_log_and_nothing_else(made: TemplateOnLocalAws) -> None:
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


def test_another_image_and_other_settings_are_other_versions(made: TemplateOnLocalAws) -> None:
    """Each publishes a version and moves the candidate alone; any text arrives; `iam` takes the permissions away."""
    before, live = int(made.terraform.output().version), alias(made, "live")["FunctionVersion"]
    made.write("v2")
    assert {"update aws_lambda_function.this", "update aws_lambda_alias.candidate"} <= set(made.up())
    assert str(before + 1) == made.terraform.output().version
    greeting = 'a"b\\c\n${x} %{y} [red]é'
    made.write("v2", environment={"GREETING": greeting}, auth="iam")
    assert {
        f"delete {PUBLIC}",
        "update aws_lambda_alias.candidate",
        "update aws_lambda_function.this",
        "update aws_lambda_function_url.live[0]",
    } == set(made.up())
    functions = made.client("lambda")
    settings = functions.get_function_configuration(FunctionName="digits")
    assert (str(before + 2), live) == (
        alias(made, "candidate")["FunctionVersion"],
        alias(made, "live")["FunctionVersion"],
    )
    assert {"GREETING": greeting} == settings["Environment"]["Variables"]
    assert "AWS_IAM" == functions.get_function_url_config(FunctionName="digits", Qualifier="live")["AuthType"]
    assert [] == allowed_to_everyone(made)
    assert () == made.up()


def test_nothing_answers_the_public_before_the_first_release(made: TemplateOnLocalAws) -> None:
    """Without `released` there is a candidate with a private URL; with it the rest comes, and nothing else changes."""
    made.down()
    made.write(released=False)
    assert tuple(f"create {address}" for address in RESOURCES if address not in LIVE) == made.up()
    outputs, functions = made.terraform.output(), made.client("lambda")
    url = functions.get_function_url_config(FunctionName="digits", Qualifier="candidate")
    assert ("", "AWS_IAM") == (outputs.endpoint, url["AuthType"])
    assert () == made.up()
    made.write(released=True)
    assert tuple(f"create {address}" for address in LIVE) == made.up()
    assert outputs.version == alias(made, "live")["FunctionVersion"]


def test_terraform_leaves_alone_where_live_points_and_how_tests_went(made: TemplateOnLocalAws) -> None:
    """Version, weights and description of `live`, and the tags of smoke tests: no difference, and they are kept."""
    first = alias(made, "live")["FunctionVersion"]
    made.write("v3")
    made.up()
    functions = made.client("lambda")
    weights = {"AdditionalVersionWeights": {made.terraform.output().version: 0.1}}
    functions.update_alias(FunctionName="digits", Name="live", Description="mine", RoutingConfig=weights)
    arn = functions.get_function_configuration(FunctionName="digits")["FunctionArn"]
    functions.tag_resource(Resource=arn, Tags={"deployer:smoke-test:1": "passed"})
    assert 0 == plan_by_hand(made)
    made.write("v4")
    made.up()
    kept = alias(made, "live")
    assert (first, weights, "mine") == (kept["FunctionVersion"], kept["RoutingConfig"], kept["Description"])
    assert "passed" == functions.list_tags(Resource=arn)["Tags"]["deployer:smoke-test:1"]


def test_how_the_url_answers_changes_in_place(made: TemplateOnLocalAws) -> None:
    """Streaming is another version, with deployer's own runtime, behind the same URL; and nothing is replaced."""
    handler = {"command": ["deployer_runtime.handler.handle"], "entry_point": []}
    assert ("BUFFERED", handler) == how_it_answers(planned(made, invoke_mode="BUFFERED", description="other"))

    streaming = planned(made, invoke_mode="RESPONSE_STREAM")
    runtime = {"command": [], "entry_point": ["python3", "-m", "deployer_runtime.streaming"]}
    assert ("RESPONSE_STREAM", runtime) == how_it_answers(streaming)
    assert {
        "aws_lambda_alias.candidate": ["update"],
        "aws_lambda_function.this": ["update"],
        "aws_lambda_function_url.candidate": ["update"],
        "aws_lambda_function_url.live[0]": ["update"],
    } == {address: change["actions"] for address, change in streaming.items() if change["actions"] != ["no-op"]}


def test_a_deployment_whose_image_is_gone_is_destroyed_whole_and_once(made: TemplateOnLocalAws) -> None:
    """The lookup of the image, which stops an ordinary plan, does not stop this one; a second time nothing is there."""
    made.client("ecr").delete_repository(repositoryName=REPOSITORY, force=True)
    with pytest.raises(DeployerError, match=r"data\.aws_ecr_image\.this\[0\].*: reading ECR Images"):
        made.terraform.plan()
    assert tuple(address for address in RESOURCES if address not in IMAGES) == made.down()
    assert ((), ()) == (made.aws.leftovers("digits", repository=REPOSITORY), made.terraform.resources())
    assert () == made.down()


def test_what_aws_has_forgotten_is_made_again_or_destroyed(made: TemplateOnLocalAws) -> None:
    """A restarted local AWS: with the image pushed again one plan and apply heal; without, the state is emptied."""
    made.forget()
    made.write()
    assert tuple(f"create {address}" for address in RESOURCES) == made.up()
    made.forget()
    assert ((), ()) == (made.down(), made.terraform.resources())


def test_limits_are_refused_by_terraform_before_anything_is_made(deployment: TemplateOnLocalAws) -> None:
    """Every variable that is wrong is named in one message."""
    deployment.write(**WRONG)
    deployment.terraform.init()
    with pytest.raises(DeployerError) as caught:
        deployment.terraform.plan()
    said = caught.value.message
    assert [] == [name for name in WRONG if f"{name} must be" not in said and name not in {"tags", "environment"}]
    assert all(words in said for words in ("at most 50 tags", "Names in environment", "at most 4 KB"))


def test_the_template_is_formatted_valid_and_described(deployment: TemplateOnLocalAws) -> None:
    """As terraform itself formats and validates; each variable and output says what it is."""
    deployment.write()
    deployment.terraform.init()
    binary = str(find_terraform(deployment.shell))
    subprocess.run([binary, "fmt", "-check", str(template_folder())], check=True, timeout=60, env=deployment.shell)
    validate = [binary, "validate", "-json"]
    checked = subprocess.run(
        validate,
        cwd=deployment.folder,
        env=child_variables(deployment.shell),
        check=True,
        timeout=120,
        capture_output=True,
    )
    assert [] == json.loads(checked.stdout)["diagnostics"]
    text = "".join(file.read_text() for file in template_folder().glob("*.tf"))
    blocks = re.findall(r'^(?:variable|output) "(\w+)" \{\n(.*)', text, re.MULTILINE)
    assert [] == [name for name, first in blocks if not first.startswith("  description = ")]


def alias(made: TemplateOnLocalAws, name: str) -> dict[str, Any]:
    found: dict[str, Any] = made.client("lambda").get_alias(FunctionName="digits", Name=name)
    return found


def allowed_to_everyone(made: TemplateOnLocalAws) -> list[str]:
    """The actions that the alias's policy allows to anyone, by statements of the template's."""
    policy = json.loads(made.client("lambda").get_policy(FunctionName="digits", Qualifier="live")["Policy"])
    public = [statement for statement in policy["Statement"] if statement["Principal"] == "*"]
    return sorted(statement["Action"] for statement in public if statement["Sid"].startswith("Public"))


def plan_by_hand(made: TemplateOnLocalAws) -> int:
    """What a user's own `terraform plan` in the folder says: 0 is no difference, 2 is one."""
    argv = [str(find_terraform(made.shell)), "plan", "-input=false", "-detailed-exitcode"]
    return subprocess.run(
        argv, cwd=made.folder, env=made.shell, check=False, timeout=120, capture_output=True
    ).returncode


def planned(made: TemplateOnLocalAws, **changed: object) -> dict[str, Any]:
    """The changes of a plan with other values, by address, as terraform itself tells them."""
    made.write(**changed)
    plan = made.terraform.plan()
    argv = [str(find_terraform(made.shell)), "show", "-json", str(plan.path)]
    shown = subprocess.run(
        argv, cwd=made.folder, env=child_variables(made.shell), check=True, timeout=120, capture_output=True
    )
    changes = json.loads(shown.stdout)["resource_changes"]
    return {change["address"]: change["change"] for change in changes if change["mode"] == "managed"}


def how_it_answers(changes: dict[str, Any]) -> tuple[str, dict[str, list[str]]]:
    """The URL's mode, and what of the image's start the function says otherwise."""
    (image,) = changes["aws_lambda_function.this"]["after"]["image_config"]
    started = {key: image[key] or [] for key in ("command", "entry_point")}
    return changes["aws_lambda_function_url.live[0]"]["after"]["invoke_mode"], started

"""What is read of a terraform state by upstream bentoctl, and what is refused."""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deployer.errors import BadInput, DeployerError
from deployer.tools.upstream_state import UpstreamDeployment, read_upstream

REGION, ACCOUNT = "eu-west-1", "123456789012"
ARN = f"arn:aws:{{}}:{REGION}:{ACCOUNT}:{{}}"
HOST = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
FUNCTION = {
    "function_name": "iris-function",
    "arn": ARN.format("lambda", "function:iris-function"),
    "image_uri": f"{HOST}/team/iris@sha256:1",
}
HOLD = "import fcntl,sys; f=open(sys.argv[1],'r+b'); fcntl.lockf(f,fcntl.LOCK_EX); print(flush=True); sys.stdin.read()"


def resource(
    kind: str, *instances: dict[str, Any], name: str = "x", mode: str = "managed", **more: str
) -> dict[str, Any]:
    return {
        "mode": mode,
        "type": kind,
        "name": name,
        "instances": [{"attributes": instance} for instance in instances],
        **more,
    }


WHOLE = [
    resource("aws_ecr_repository", {"name": "other", "arn": ARN.format("ecr", "repository/other")}, mode="data"),
    resource("aws_apigatewayv2_api", {"id": "a1", "name": "iris-gw", "arn": f"arn:aws:apigateway:{REGION}::/apis/a1"}),
    resource("aws_apigatewayv2_integration", {"id": "i1", "api_id": "a1"}),
    resource("aws_apigatewayv2_route", {"id": "r1"}, name="root"),
    resource("aws_apigatewayv2_route", {"id": "r2"}, name="services"),
    resource("aws_apigatewayv2_stage", {"id": "$default"}),
    resource("aws_cloudwatch_log_group", {"name": "/aws/lambda/iris-function"}, name="lg"),
    resource("aws_cloudwatch_log_group", {"name": "/aws/api_gw/iris-gw"}, name="api_gw"),
    resource("aws_iam_role", {"name": "iris-iam", "arn": f"arn:aws:iam::{ACCOUNT}:role/iris-iam"}),
    resource("aws_iam_role_policy_attachment", {"role": "iris-iam"}),
    resource("aws_lambda_function", FUNCTION),
    resource(
        "aws_lambda_permission",
        {"statement_id": "AllowExecutionFromAPIGateway", "principal": "apigateway.amazonaws.com"},
    ),
]


def write(folder: Path, resources: list[dict[str, Any]], *, name: str = "terraform.tfstate") -> Path:
    file = folder / name
    file.write_text(json.dumps({"version": 4, "resources": resources}))
    return file


def test_a_whole_deployment_is_known_by_the_names_of_aws(tmp_path: Path) -> None:
    """Whatever its resources are called; the repository is that of the function's image."""
    write(tmp_path, WHOLE)
    read = read_upstream(tmp_path)
    assert read == UpstreamDeployment(
        folder=tmp_path,
        region=REGION,
        account=ACCOUNT,
        function="iris-function",
        role="iris-iam",
        api="a1",
        integration="i1",
        statement="AllowExecutionFromAPIGateway",
        log_groups=("/aws/api_gw/iris-gw", "/aws/lambda/iris-function"),
        repository="team/iris",
    )
    assert FUNCTION["arn"] == read.function_arn
    assert "/aws/lambda/iris-function" == read.own_log_group


def test_a_state_that_was_set_aside_is_read_and_said_to_be(tmp_path: Path) -> None:
    """One that is there under its own name counts: bentoctl may have deployed anew."""
    write(tmp_path, WHOLE[:2], name="terraform.tfstate.adopted")
    assert read_upstream(tmp_path).adopted
    write(tmp_path, WHOLE)
    assert not read_upstream(tmp_path).adopted


def test_half_a_deployment_is_read(tmp_path: Path) -> None:
    """bentoctl does not stop at a failed apply; the repository is the one that was looked up."""
    write(tmp_path, WHOLE[:2])
    read = read_upstream(tmp_path)
    assert ("", "a1", "other", "HTTP API a1") == (read.function, read.api, read.repository, read.name)


@pytest.mark.parametrize(
    ("uri", "repository"),
    [(f"{HOST}/iris@sha256:1", "iris"), (f"{HOST}/a/b:v1", "a/b"), (f"{HOST}/a/b:v1@sha256:1", "a/b"), ("", "other")],
)
def test_the_repository_is_named_by_the_image(tmp_path: Path, uri: str, repository: str) -> None:
    """By digest or tag, nested or not."""
    write(tmp_path, [WHOLE[0], resource("aws_lambda_function", {**FUNCTION, "image_uri": uri})])
    assert repository == read_upstream(tmp_path).repository


def test_what_is_not_of_bentoctls_template_is_named(tmp_path: Path) -> None:
    """By address; a route and a policy of the role are of it, and what was looked up is nobody's."""
    more = [
        resource("aws_s3_bucket", {}, name="data"),
        resource("aws_lambda_permission", {"statement_id": "Data", "principal": "s3.amazonaws.com"}, name="data"),
        resource("aws_sqs_queue", {}, name="q", module="module.m"),
    ]
    write(tmp_path, [*WHOLE, *more])
    read = read_upstream(tmp_path)
    assert ("aws_lambda_permission.data", "aws_s3_bucket.data", "module.m.aws_sqs_queue.q") == read.strangers
    assert "AllowExecutionFromAPIGateway" == read.statement


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "holds no terraform state"),
        ("", "holds no terraform state"),
        ("{", "cannot be read as a terraform state"),
        ("[]", "cannot be read as a terraform state"),
        ('{"version": 3}', "it is of version 3, and this deployer reads 4"),
        ('{"version": 4, "resources": [{}]}', "cannot be read as a terraform state"),
        ('{"version": 4, "resources": []}', "holds no Lambda function and no HTTP API"),
        (
            json.dumps({"version": 4, "resources": [resource("aws_lambda_function", FUNCTION, FUNCTION)]}),
            "several of type aws_lambda_function: aws_lambda_function.x, aws_lambda_function.x",
        ),
    ],
)
def test_what_is_no_such_state_is_refused(tmp_path: Path, content: str | None, said: str) -> None:
    """With what to name instead."""
    if content is not None:
        (tmp_path / "terraform.tfstate").write_text(content)
    with pytest.raises(BadInput, match=said) as told:
        read_upstream(tmp_path)
    assert "bentoctl" in told.value.hint


def test_a_state_that_a_backend_keeps_is_to_be_pulled(tmp_path: Path) -> None:
    """deployer does not ask the backend of somebody else's folder."""
    (tmp_path / ".terraform").mkdir()
    write(tmp_path / ".terraform", [])
    with pytest.raises(BadInput, match="kept by terraform's backend") as told:
        read_upstream(tmp_path)
    assert "terraform state pull" in told.value.hint


def test_a_terraform_that_is_at_work_is_waited_for(tmp_path: Path) -> None:
    """What it is about to make would be in no list."""
    state = write(tmp_path, WHOLE)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(state)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        with pytest.raises(DeployerError, match=rf"is locked: terraform \(process {child.pid}\)"):
            read_upstream(tmp_path)
        child.kill()
    with state.open("r+b") as file:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

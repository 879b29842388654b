"""What a config names by its ARN is where its function is: an environment takes over the ARNs of another place."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.config import load_config
from deployer.errors import BadInput

REFERENCE = Path(__file__).parents[2] / "deployment_configs" / "reference.yaml"
MINIMAL = "api_version: v1\nname: digits\noperator: {name: aws-lambda}\ntemplate: terraform\n"
HERE, THERE = "123456789012", "210987654321"
POINT = f"arn:aws:elasticfilesystem:us-east-1:{HERE}:access-point/fsap-1"
VPC = "vpc: {subnet_ids: [subnet-1], security_group_ids: [sg-1]}"
REGIONAL = [
    ("kms_key", f"kms_key: arn:aws:kms:us-east-1:{HERE}:key/1"),
    ("file_system.access_point", f"file_system: {{access_point: '{POINT}', path: /mnt/m}}, {VPC}"),
    ("dead_letter", f"dead_letter: arn:aws:sqs:us-east-1:{HERE}:lost"),
    ("dead_letter", f"dead_letter: arn:aws:sns:us-east-1:{HERE}:lost"),
    ("destinations.on_success", f"destinations: {{on_success: arn:aws:sqs:us-east-1:{HERE}:done}}"),
    ("destinations.on_failure", f"destinations: {{on_failure: arn:aws:lambda:us-east-1:{HERE}:function:mend}}"),
]
ELSEWHERE = [
    f"destinations: {{on_success: arn:aws:sns:us-east-1:{HERE}:done}}",
    f"destinations: {{on_success: arn:aws:events:us-east-1:{HERE}:event-bus/all}}",
]


def written(folder: Path, spec: str, *, region: str, account: str = "") -> Path:
    path = folder / "digits.yaml"
    pinned = f"account: '{account}'\n" if account else ""
    path.write_text(f"{MINIMAL}{pinned}spec: {{region: {region}, {spec}}}\n", encoding="utf-8")
    return path


def refusal(path: Path) -> list[str]:
    with pytest.raises(BadInput) as refused:
        load_config(path)
    return [line.strip() for line in refused.value.message.splitlines()[1:]]


@pytest.mark.parametrize(("key", "spec"), REGIONAL)
def test_what_lambda_takes_of_its_own_region_alone_is_there(tmp_path: Path, key: str, spec: str) -> None:
    """terraform would hear it from AWS in the middle of an apply, a lost event from nobody."""
    assert [
        f"spec.{key} (line 5): it is in us-east-1, and spec.region is eu-central-1, where Lambda wants it. Name one"
        " there, or leave it out; in an environment, null takes it away."
    ] == refusal(written(tmp_path, spec, region="eu-central-1"))
    assert "us-east-1" == load_config(written(tmp_path, spec, region="us-east-1", account=THERE)).spec.region


@pytest.mark.parametrize("spec", ELSEWHERE)
def test_what_may_be_in_another_region_may_be(tmp_path: Path, spec: str) -> None:
    """It is not for deployer to forbid what AWS may take."""
    assert load_config(written(tmp_path, spec, region="eu-central-1")).spec.destinations is not None


@pytest.mark.parametrize(
    ("key", "arn"),
    [("role", f"arn:aws:iam::{HERE}:role/own"), ("permission_boundary", f"arn:aws:iam::{HERE}:policy/b")],
)
def test_a_role_and_its_boundary_are_of_the_functions_account(tmp_path: Path, key: str, arn: str) -> None:
    """Known only where the config says which one."""
    assert [
        f"spec.{key} (line 6): it is of account {HERE}, and `account` says {THERE}: IAM takes it of that account alone."
        " Name one there, or leave it out; in an environment, null takes it away."
    ] == refusal(written(tmp_path, f"{key}: '{arn}'", region="us-east-1", account=THERE))
    for account in ("", HERE):
        assert load_config(written(tmp_path, f"{key}: '{arn}'", region="us-east-1", account=account)).account == account


def test_a_policy_of_aws_bounds_a_role_of_any_account(tmp_path: Path) -> None:
    """Its ARN has no account."""
    spec = "permission_boundary: arn:aws:iam::aws:policy/PowerUserAccess"
    assert load_config(written(tmp_path, spec, region="us-east-1", account=THERE)).spec.permission_boundary


def test_a_value_that_is_wrong_by_itself_is_told_once(tmp_path: Path) -> None:
    """Where it would be is not known then."""
    told = refusal(written(tmp_path, "kms_key: arn:aws:kms:us-east-1:12:key/1", region="eu-central-1"))
    assert (1, True) == (len(told), "spec.kms_key" in told[0] and "it is in" not in told[0])


def test_the_environment_of_the_reference_is_one_that_can_be_deployed() -> None:
    """It is what people copy: nothing of it is in the account and the region of the values below it."""
    plain, prod = load_config(REFERENCE), load_config(REFERENCE, environment="prod")
    assert (THERE, "eu-central-1") == (prod.account, prod.spec.region)
    assert [] == [place for place in (HERE, "us-east-1") if place in repr((prod.spec, prod.terraform))]
    own = (prod.profile, prod.spec.vpc, prod.terraform.backend)
    assert [] == [value for value in own if value in (plain.profile, plain.spec.vpc, plain.terraform.backend)]

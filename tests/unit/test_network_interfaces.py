"""What is said of network interfaces when a function in a VPC is removed."""

from __future__ import annotations

from deployer.config import DeploymentConfig, Spec
from deployer.config.values import Vpc
from deployer.stages.network_interfaces import interfaces_note

VPC = Vpc(["subnet-1", "subnet-2"], ["sg-1"])


def test_what_lambda_deletes_later_is_told_of() -> None:
    """Where they are, how to find those that stay, and that the removed role may be why."""
    said = interfaces_note(DeploymentConfig(name="digits", spec=Spec(region="eu-west-1", vpc=VPC)))
    assert said.startswith("Lambda deletes its network interfaces in subnet-1, subnet-2 by itself")
    assert "the role that is removed" in said
    assert '--region eu-west-1 --filters "Name=description,Values=AWS Lambda VPC ENI-digits*"`' in said


def test_a_role_of_the_users_stays() -> None:
    """So Lambda can go on asking it."""
    role = "arn:aws:iam::123456789012:role/theirs"
    said = interfaces_note(DeploymentConfig(name="digits", spec=Spec(vpc=VPC, role=role)))
    assert "about 20 minutes. Until then" in said


def test_a_function_without_a_vpc_has_none() -> None:
    """Nothing is said."""
    assert not interfaces_note(DeploymentConfig(name="digits"))

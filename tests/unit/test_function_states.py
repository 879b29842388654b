"""What Lambda says of a version while it is made, and how long deployer waits for it."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from deployer.errors import DeployerError
from deployer.releases import Provisioned
from deployer.tools.aws_releases import Releases

ASKED = {"FunctionName": "digits", "Qualifier": "7"}


@pytest.fixture
def lambda_() -> Any:
    return boto3.client("lambda", region_name="us-east-1", aws_access_key_id="AKIA", aws_secret_access_key="none")  # noqa: S106


def releases(lambda_: Any) -> Releases:
    return Releases(lambda_, "digits", lambda doing: nullcontext())


def test_a_version_is_waited_for_until_it_is_active(lambda_: Any) -> None:
    """With SnapStart it is Pending until its snapshot is made."""
    with Stubber(lambda_) as stub:
        for state in ("Pending", "Active"):
            stub.add_response("get_function_configuration", {"State": state}, ASKED)
        releases(lambda_).wait_until_active("7")
        stub.assert_no_pending_responses()


def test_a_version_that_failed_is_told_in_lambdas_words(lambda_: Any) -> None:
    """The reason is what the user can act on."""
    reason = "The service did not start within 130 seconds."
    with Stubber(lambda_) as stub:
        stub.add_response("get_function_configuration", {"State": "Failed", "StateReason": reason}, ASKED)
        with pytest.raises(DeployerError, match=f"version 7 of digits: its state is Failed: {reason}"):
            releases(lambda_).wait_until_active("7")


def test_nothing_is_published_while_an_update_is_under_way(lambda_: Any) -> None:
    """Lambda would refuse it with ResourceConflictException."""
    with Stubber(lambda_) as stub:
        for status in ("InProgress", "Successful"):
            answer = {"Configuration": {"LastUpdateStatus": status}}
            stub.add_response("get_function", answer, {"FunctionName": "digits"})
        stub.add_response("publish_version", {"Version": "8"}, {"FunctionName": "digits"})
        assert "8" == releases(lambda_).publish()
        stub.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"Status": "IN_PROGRESS"}, Provisioned("IN_PROGRESS")),
        ({"Status": "READY", "RequestedProvisionedConcurrentExecutions": 2}, Provisioned("READY")),
        ({"Status": "FAILED", "StatusReason": "NOT_ENOUGH"}, Provisioned("FAILED", "NOT_ENOUGH")),
    ],
)
def test_provisioned_environments_are_told_in_lambdas_words(
    lambda_: Any, answer: dict[str, Any], told: Provisioned
) -> None:
    """Of an alias."""
    with Stubber(lambda_) as stub:
        stub.add_response("get_provisioned_concurrency_config", answer, {"FunctionName": "digits", "Qualifier": "live"})
        assert told == releases(lambda_).provisioned("live")


@pytest.mark.parametrize("code", ["ProvisionedConcurrencyConfigNotFoundException", "ResourceNotFoundException"])
def test_an_alias_without_provisioned_environments_has_none(lambda_: Any, code: str) -> None:
    """Nor has an alias that is not there."""
    with Stubber(lambda_) as stub:
        stub.add_client_error("get_provisioned_concurrency_config", code, http_status_code=404)
        assert releases(lambda_).provisioned("live") is None

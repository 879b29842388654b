"""The bucket of terraform states: whose it may be. What is set on it is in tests/contract/test_state_in_s3.py."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from deployer.config import DeploymentConfig
from deployer.config.values import Backend, TerraformOptions
from deployer.errors import DeployerError
from deployer.stages.state_bucket_policy import state_bucket_policy
from deployer.tools.aws_errors import explained
from deployer.tools.aws_state_bucket import StateBucket, tls_only


class S3:
    """Answers every request with one of S3's errors; `asked` are the requests with the account they were meant for."""

    def __init__(self, **codes: str) -> None:
        self._codes, self.asked = codes, list[tuple[str, str]]()

    def __getattr__(self, operation: str) -> Any:
        def answer(**settings: Any) -> Any:
            self.asked.append((operation, settings.get("ExpectedBucketOwner", "")))
            raise ClientError({"Error": {"Code": self._codes[operation], "Message": "no"}}, operation)

        return answer


def bucket(s3: S3) -> StateBucket:
    return StateBucket(s3, "states", account="123456789012", explained=explained)


@pytest.mark.parametrize("s3", [S3(head_bucket="403"), S3(head_bucket="404", create_bucket="BucketAlreadyExists")])
def test_a_bucket_of_another_account_is_refused(s3: S3) -> None:
    """Its name is taken: nothing is set on it, and the account in use is named."""
    with pytest.raises(DeployerError, match="The bucket states is of another account") as told:
        bucket(s3).make("us-east-1")
    assert "they are of account 123456789012" in told.value.message
    assert "terraform.backend.bucket" in told.value.hint
    assert ("head_bucket", "123456789012") == s3.asked[0]
    assert {"head_bucket", "create_bucket"} >= {operation for operation, _ in s3.asked}


def test_a_bucket_that_is_not_there_holds_no_lock_and_no_state() -> None:
    """Nor does one that was deleted meanwhile, or an object in it."""
    for code in ("NoSuchBucket", "NoSuchKey"):
        assert bucket(S3(get_object=code)).lock("key") is None
    assert False is bucket(S3(head_object="404")).forget("key")
    assert False is bucket(S3(head_bucket="404")).exists()


def test_another_failure_is_told_as_it_is() -> None:
    """With what was being done."""
    with pytest.raises(DeployerError, match=r"Looking at the lock of s3://states/key: access denied"):
        bucket(S3(get_object="AccessDenied")).lock("key")


@pytest.mark.parametrize(("region", "partition"), [("us-east-1", "aws"), ("cn-north-1", "aws-cn")])
def test_the_policy_of_a_bucket_names_it_as_its_partition_does(region: str, partition: str) -> None:
    """S3 refuses a policy about a resource of another partition."""
    arn = f"arn:{partition}:s3:::states"
    assert [arn, f"{arn}/*"] == tls_only("states", region)["Resource"]


class NewBucket:
    """Keeps what it is told to; `asked` are its operations as botocore calls them."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __getattr__(self, operation: str) -> Any:
        def answer(**settings: Any) -> Any:
            self.asked.append(operation)
            if operation == "head_bucket":
                raise ClientError({"Error": {"Code": "404", "Message": "no"}}, operation)
            if operation.startswith("get_") and operation != "get_bucket_versioning":
                raise ClientError({"Error": {"Code": "NoSuchSetting", "Message": "no"}}, operation)
            return {}

        return answer


def test_the_printed_policy_is_for_what_making_a_bucket_asks() -> None:
    """Each call has its action in S3's list of them, and no action is without a call."""
    s3, otherwise = NewBucket(), {"HeadBucket": "ListBucket"}
    otherwise |= {f"{verb}BucketEncryption": f"{verb}EncryptionConfiguration" for verb in ("Get", "Put")}
    otherwise |= {f"{verb}PublicAccessBlock": f"{verb}BucketPublicAccessBlock" for verb in ("Get", "Put")}
    StateBucket(s3, "states", account="123456789012", explained=explained).make("us-east-1")

    called = {"".join(word.capitalize() for word in operation.split("_")) for operation in s3.asked}
    config = DeploymentConfig(name="digits", terraform=TerraformOptions(backend=Backend("states")))
    [statement] = state_bucket_policy(config)
    assert {f"s3:{otherwise.get(name, name)}" for name in called} == {*statement.actions}

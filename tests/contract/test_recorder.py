"""The recorder between boto3 and the local AWS: nothing is changed on the way, and everything is kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from aws_calls import RecordedTarget, Recorder
from botocore.exceptions import ClientError
from local_aws import REGION
from local_endpoint import KEYS, LocalEndpoint

from deployer.targets import Environment


class AtEndpoint:
    """A target whose AWS is at one address."""

    name = "aws"

    def __init__(self, endpoint: str) -> None:
        self._environment = Environment(self.name, REGION, variables={"AWS_ENDPOINT_URL": endpoint, "A": "b"})

    def prepare(self, **asked: Any) -> Environment:
        return self._environment

    def reach(self, **asked: Any) -> Environment:
        return self._environment


@pytest.fixture
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEndpoint]:
    local = LocalEndpoint(tmp_path_factory.mktemp("blobs"))
    yield local
    local.close()


def test_calls_go_on_and_are_kept(aws: LocalEndpoint) -> None:
    """Answers and refusals come back as they are; each call has its parameters, status and the name of its block."""
    recorder = Recorder()
    environment = RecordedTarget(AtEndpoint(aws.endpoint), recorder).reach(region=REGION)
    assert {"AWS_ENDPOINT_URL": recorder.url, "A": "b"} == environment.variables
    keys = {"aws_access_key_id": KEYS.access_key_id, "aws_secret_access_key": KEYS.secret_access_key}
    ecr, iam = (boto3.client(one, REGION, endpoint_url=recorder.url, **keys) for one in ("ecr", "iam"))

    with recorder.during("making"):
        made = ecr.create_repository(repositoryName="team/digits")["repository"]
    with recorder.during("looking"), pytest.raises(ClientError, match="NoSuchEntity"):
        iam.get_role(RoleName="nobody")
    assert made == aws.aws("ecr").describe_repositories()["repositories"][0]
    recorder.close()

    kept = [(doing, str(call), call.parameters, call.status, call.program) for doing, call in recorder.calls()]
    assert kept == [
        ("making", "ecr:CreateRepository", {"repositoryName": "team/digits"}, 200, "Boto3"),
        ("looking", "iam:GetRole", {"RoleName": "nobody"}, 404, "Boto3"),
    ]

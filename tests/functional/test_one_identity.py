"""The real terraform and AWS provider take the identity that deployer found, whatever the shell says."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from local_endpoint import KEYS, LocalEndpoint

from deployer.targets.aws import AwsTarget
from deployer.tools.process import Processes
from deployer.tools.provider_mirror import find_mirror
from deployer.tools.terraform import Terraform, find_terraform

REGION = "us-east-1"
TOKEN = "planted-session-token"  # noqa: S105
TEMPLATE = """
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
resource "aws_cloudwatch_log_group" "this" {
  name = "/made/with/the/profile"
}
"""


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[LocalEndpoint]:
    local = LocalEndpoint(tmp_path / "blobs")
    yield local
    local.close()


def test_terraform_works_with_the_profile_of_the_config(endpoint: LocalEndpoint, tmp_path: Path) -> None:
    """The local AWS refuses other keys; the shell has only wrong ones. No file knows the token afterwards."""
    folder = tmp_path / "terraform"
    folder.mkdir()
    (folder / "main.tf").write_text(TEMPLATE, encoding="utf-8")
    keys = {"AccessKeyId": KEYS.access_key_id, "SecretAccessKey": KEYS.secret_access_key, "SessionToken": TOKEN}
    (tmp_path / "keys.json").write_text(json.dumps({"Version": 1, **keys}), encoding="utf-8")
    (tmp_path / "config").write_text(
        f"[profile prod]\ncredential_process = cat {tmp_path}/keys.json\nendpoint_url = {endpoint.endpoint}\n"
        "[profile other]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = wrong\n",
        encoding="utf-8",
    )
    wrong = {"AWS_PROFILE": "other", "AWS_ACCESS_KEY_ID": "AKIAWRONG", "AWS_SECRET_ACCESS_KEY": "wrong"}
    shell = {**os.environ, **wrong, "AWS_CONFIG_FILE": str(tmp_path / "config")}
    environment = AwsTarget(variables=shell).prepare(region=REGION, profile="prod", account="123456789012")
    terraform = Terraform(
        folder=folder,
        binary=find_terraform(shell),
        variables=environment.process_variables(shell),
        runner=Processes(),
        log=tmp_path / "terraform.log",
        provider_mirror=find_mirror(None, shell),
    )
    terraform.init()
    terraform.apply(terraform.plan())

    groups = endpoint.aws("logs").describe_log_groups()["logGroups"]
    assert ["/made/with/the/profile"] == [group["logGroupName"] for group in groups]
    files = [tmp_path / "terraform.log", *(path for path in folder.rglob("*") if path.is_file())]
    provider = [path for path in files if path.name.startswith("terraform-provider-")]
    assert [] == [path for path in set(files) - set(provider) if TOKEN.encode() in path.read_bytes()]
    assert (folder / "terraform.tfstate").is_file()

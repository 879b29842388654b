"""What the template's role.tf lets the function do, beside what `iam-policy --role` prints: terraform evaluates the
one, and botocore's data of partitions stands behind the other. No provider and no AWS are needed for that.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from config_values import ACCOUNT, ROOT, values_of

from deployer.config import DeploymentConfig, Spec
from deployer.config.values import Destinations
from deployer.policies import document
from deployer.stages.execution_role import execution_role_policy
from deployer.targets import Environment
from deployer.tools.aws_partition import partition_of
from deployer.tools.terraform_binary import find_terraform

TEMPLATE = ROOT / "terraform_templates" / "aws_lambda"
DNS_SUFFIX = "data.aws_partition.this.dns_suffix"
IRELAND = "arn:aws:secretsmanager:eu-west-1:210987654321:secret:team/api-AbCdEf"
SECRETS = {"A": "ssm:/digits/a", "B": "secretsmanager:digits/b#key"}


def made(config: DeploymentConfig, folder: Path) -> list[dict[str, Any]]:
    """The statements of role.tf, where terraform's own lookups are the partition and account of the test."""
    region = config.spec.region
    partition = partition_of(region)
    settings = (TEMPLATE / "role.tf").read_text(encoding="utf-8").partition('\nresource "')[0]
    assert settings.count(DNS_SUFFIX) == 1
    (folder / "role.tf").write_text(settings.replace(DNS_SUFFIX, f'"{partition.dns_suffix}"'), encoding="utf-8")
    known = {"partition": partition.name, "account": ACCOUNT}
    (folder / "main.tf.json").write_text(json.dumps({"locals": known}), encoding="utf-8")
    shutil.copy(TEMPLATE / "variables.tf", folder)
    values = values_of(config, Environment("aws", region), digest=f"sha256:{'a' * 64}")
    (folder / "terraform.tfvars.json").write_text(json.dumps(values), encoding="utf-8")
    command = [find_terraform(os.environ), "console"]
    asked = "jsonencode(local.statements)\n"
    done = subprocess.run(command, cwd=folder, input=asked, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(json.loads(done.stdout))
    return found


def printed(config: DeploymentConfig) -> list[dict[str, Any]]:
    """But for the log, which has a policy of its own."""
    statements = document(execution_role_policy(config, account=ACCOUNT))["Statement"]
    return [{key: value for key, value in one.items() if key != "Sid"} for one in statements[1:]]


@pytest.mark.parametrize("region", ["us-east-1", "cn-north-1", "us-gov-west-1", "eusc-de-east-1"])
def test_the_role_is_what_is_printed_in_every_partition(region: str, tmp_path: Path) -> None:
    """Names, queues, topics, secrets and parameters, each with the keys that may encrypt it."""
    arn = f"arn:{partition_of(region).name}:%s:{region}:{ACCOUNT}:%s"
    told = Destinations(on_success=arn % ("sns", "done"), on_failure=arn % ("sqs", "failed"))
    spec = Spec(region=region, dead_letter=arn % ("sqs", "dead"), destinations=told)

    config = DeploymentConfig(name="digits", spec=spec, secrets=SECRETS)
    assert printed(config) == made(config, tmp_path)


def test_the_key_of_a_secret_is_where_the_secret_is(tmp_path: Path) -> None:
    """The function reads a secret of another region or account by its ARN, and its key is there too."""
    config = DeploymentConfig(name="digits", secrets={**SECRETS, "C": f"secretsmanager:{IRELAND}"})

    statements = made(config, tmp_path)
    assert printed(config) == statements
    context = "kms:EncryptionContext:SecretARN"
    [keys] = [one for one in statements if context in one.get("Condition", {}).get("StringLike", {})]
    own = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:digits/b-??????"
    assert [IRELAND, own] == keys["Condition"]["StringLike"][context]
    assert ["arn:aws:kms:eu-west-1:210987654321:key/*", f"arn:aws:kms:us-east-1:{ACCOUNT}:key/*"] == keys["Resource"]
    through = ["secretsmanager.eu-west-1.amazonaws.com", "secretsmanager.us-east-1.amazonaws.com"]
    assert through == keys["Condition"]["StringEquals"]["kms:ViaService"]


def test_who_sends_to_an_encrypted_queue_uses_its_key(tmp_path: Path) -> None:
    """A message to a queue under a key of the user's own would be lost without it; functions and buses need none."""
    arn = f"arn:aws:%s:us-east-1:{ACCOUNT}:%s"
    others = Destinations(on_success=arn % ("lambda", "function:next"), on_failure=arn % ("events", "event-bus/bus"))
    plain = DeploymentConfig(name="digits", spec=Spec(destinations=others))
    dead = replace(plain, spec=replace(plain.spec, dead_letter=arn % ("sqs", "dead")))

    assert printed(plain) == made(plain, tmp_path)
    assert "kms:" not in str(made(plain, tmp_path))
    [key] = [one for one in made(dead, tmp_path) if "kms:Decrypt" in one["Action"]]
    assert ["kms:Decrypt", "kms:GenerateDataKey"] == key["Action"]
    assert {"StringEquals": {"kms:ViaService": ["sqs.us-east-1.amazonaws.com"]}} == key["Condition"]

"""`drift` on a real deployment of the local target, and `down` that keeps something: each twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3
from laptop import Laptop


def client(laptop: Laptop, service: str) -> Any:
    """boto3 itself on the local AWS: what a hand in the console would do."""
    user, _, password = laptop.deployer("local", "credentials").stdout.strip().partition(":")
    endpoint = laptop.deployer_json("local", "status")["endpoint"]
    return boto3.client(
        service, "us-east-1", endpoint_url=endpoint, aws_access_key_id=user, aws_secret_access_key=password
    )


def test_what_is_changed_by_hand_is_found_and_undone(laptop: Laptop, digits: str, config: Path) -> None:
    """Exit codes as terraform's; nothing is changed by looking; one `up --refresh` sets it back."""
    laptop.deployer("up", "--bento", digits)
    assert {"drift": [], "drifted": False} == laptop.deployer_json("drift", "--detailed-exitcode")

    lambda_ = client(laptop, "lambda")
    timeout = lambda_.get_function_configuration(FunctionName="digits")["Timeout"]
    lambda_.update_function_configuration(FunctionName="digits", Timeout=timeout + 1)
    for _ in range(2):
        found = laptop.deployer_json("drift", "--detailed-exitcode", code=2)
        told = {row["where"]: (row["what"], row["detail"]) for row in found["drift"]}
        what, detail = told["aws_lambda_function.this"]
        assert ("changed", True) == (what, detail.startswith("outside terraform: timeout;"))
    assert "outside terraform: timeout" in " ".join(laptop.deployer("drift").stdout.split())
    laptop.deployer("drift", "--detailed-exitcode", "--name", "nothing", code=1)
    laptop.deployer("drift", "--name", "nothing", code=2)

    laptop.deployer("up", "--bento", digits, "--refresh")
    assert timeout == lambda_.get_function_configuration(FunctionName="digits")["Timeout"]
    assert {"drift": [], "drifted": False} == laptop.deployer_json("drift", "--detailed-exitcode")


def test_what_is_kept_is_named_and_taken_over(laptop: Laptop, digits: str, config: Path) -> None:
    """Images and log outlive the function, and belong to the next one."""
    laptop.deployer("up", "--bento", digits)
    assert "nothing is locked\n" == laptop.deployer("force-unlock").stdout

    kept = laptop.deployer_json("down", "--keep-images", "--keep-logs")["kept"]
    assert ["ECR repository digits", "log group /aws/lambda/digits"] == kept
    assert [] == laptop.deployer_json("down", "--keep-logs")["kept"]

    again = laptop.deployer("up", "--bento", digits).stderr
    assert "digits is there already: 1 resources are taken over." in again
    assert [] == laptop.deployer_json("down")["kept"]

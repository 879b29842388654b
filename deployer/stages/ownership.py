"""Whose a function is: where this folder's terraform state does not know it, nobody may touch it."""

from __future__ import annotations

from pathlib import Path

from deployer.errors import DeployerError
from deployer.tools.aws import Aws
from deployer.tools.terraform import Terraform


def refuse_foreign_function(name: str, *, folder: Path, terraform: Terraform, aws: Aws) -> None:
    """Raises DeployerError where a function of this name is there that the state in `folder` does not know.

    Terraform would try for five minutes to create it, and its image would be pushed over or deleted.
    """
    if any(address.startswith("aws_lambda_function.") for address in terraform.resources()):
        return
    if aws.function_state(name) is None:
        return
    raise DeployerError(
        f"A Lambda function {name} is there already, and the terraform state in {folder}"
        " does not know it: it was made from another folder, or this state was deleted. Nothing was changed.",
        hint="Run deployer in the folder it was deployed from, choose another --name, or delete that function."
        " (On the local target, `deployer local stop` forgets everything.)",
    )

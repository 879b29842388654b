"""What is in AWS under a deployment's name, and not in this folder's terraform state: taken over, or left alone."""

from __future__ import annotations

from deployer.config import DeploymentConfig
from deployer.errors import DeployerError
from deployer.tools.aws import Aws
from deployer.tools.terraform import Terraform


def adoptable(config: DeploymentConfig, *, terraform: Terraform, aws: Aws) -> dict[str, str]:
    """Import ids, by resource address, of what an earlier deployment of this name left; empty where the state knows it.

    A state is lost with its folder, or when a run is killed while it creates. Without an import terraform would try
    for five minutes to create what is there. Raises DeployerError for a function that is not deployer's.
    """
    known = terraform.resources()
    if _knows_the_function(known):
        return {}
    owner = aws.function_owner(config.name)
    if owner not in (None, config.name):
        raise DeployerError(
            f"A Lambda function {config.name} is there already, and it is no deployment of that name"
            f" (its tag deployer:name is {owner or 'missing'}). Nothing was changed.",
            hint="Choose another name with --name, or delete that function.",
        )
    there = aws.existing(config.name, public=config.spec.auth == "none")
    return {address: identity for address, identity in there.items() if address not in known}


def refuse_unknown_function(config: DeploymentConfig, *, terraform: Terraform, aws: Aws) -> None:
    """Raises DeployerError where `down` would delete the images of a function that its state does not know."""
    if not _knows_the_function(terraform.resources()) and aws.function_owner(config.name) is not None:
        raise DeployerError(
            f"The terraform state here does not know the Lambda function {config.name}: it was made from another"
            " folder, or the state was deleted. The function and its images are left alone.",
            hint="Run `deployer up` first, which takes over what is deployer's, then `deployer down`.",
        )


def _knows_the_function(addresses: tuple[str, ...]) -> bool:
    return any(address.startswith("aws_lambda_function.") for address in addresses)

"""What is in AWS under a deployment's name, and not in this folder's terraform state: taken over, or left alone."""

from __future__ import annotations

import re
from collections.abc import Collection

from deployer.config import DeploymentConfig
from deployer.errors import DeployerError
from deployer.tools.aws import Aws
from deployer.tools.aws_adoption import FUNCTION, STATEMENTS, addresses
from deployer.tools.terraform import Terraform

_ANY_FUNCTION = re.compile(r"(^|\.)aws_lambda_function\.")  # a user's own template calls it as it likes


def adoptable(config: DeploymentConfig, *, terraform: Terraform, aws: Aws) -> dict[str, str]:
    """Import ids, by resource address, of what an earlier deployment of this name left and the state does not know.

    A state is lost with its folder, and a run that is killed while it creates leaves one that lacks what was being
    made. Without an import terraform would try for minutes to create what is there. AWS is asked only where something
    of the template's is not in the state. Raises DeployerError for a function that is not deployer's.
    """
    known = {_unindexed(address) for address in terraform.resources()}
    if known.issuperset(map(_unindexed, addresses(config))):
        return {}
    owner = None if FUNCTION in known else aws.function_owner(config.name)
    if owner not in (None, config.name):
        raise DeployerError(
            f"A Lambda function {config.name} is there already, and it is no deployment of that name"
            f" (its tag deployer:name is {owner or 'missing'}). Nothing was changed.",
            hint="Choose another name with --name, or delete that function."
            " `deployer adopt FOLDER` takes over what upstream bentoctl deployed.",
        )
    there = aws.existing(config)
    if _unindexed(STATEMENTS["PublicUrl"]) in known:  # the other permission is the state's too, or none of terraform's
        there.pop(STATEMENTS["PublicInvoke"], None)
    return {address: identity for address, identity in there.items() if _unindexed(address) not in known}


def refuse_unknown_function(config: DeploymentConfig, *, known: Collection[str], aws: Aws) -> None:
    """Raises DeployerError where `down` would take away from a function what it needs, and the state knows nothing.

    `known` are the addresses of the state before anything was destroyed. One that lacks only the function is that of a
    killed `up`, whose function is this deployment's.
    """
    owner = aws.function_owner(config.name)
    if owner is None or any(map(_ANY_FUNCTION.search, known)):
        return
    if owner != config.name or not known:
        raise DeployerError(
            f"The terraform state here does not know the Lambda function {config.name}: it was made from another"
            " folder, or the state was deleted. The function and its images are left alone.",
            hint="Run `deployer up` first, which takes over what is deployer's, then `deployer down`.",
        )


def _unindexed(address: str) -> str:
    """`aws_lambda_alias.live` for `aws_lambda_alias.live[0]`: terraform takes the one for the other by itself."""
    return address.removesuffix("[0]")

"""`deployer iam-policy`: what the credentials that run deployer need, or the function's role. AWS is not asked."""

from __future__ import annotations

from typing import Literal

from deployer.config import DeploymentConfig
from deployer.policies import MANAGED_POLICY_LIMIT, Statement, characters
from deployer.stages.execution_role import execution_role_policy
from deployer.stages.iam_policy import deployer_policy
from deployer.stages.state_bucket_policy import state_bucket_policy
from deployer.toolbox import Toolbox
from deployer.workflows.deployment import Selection, deployment_on_aws

ANY_ACCOUNT = "*"

Whose = Literal["deployer", "role", "state-bucket"]


def iam_policy(selection: Selection, tools: Toolbox, *, whose: Whose = "deployer") -> tuple[Statement, ...]:
    """The statements for deployer with a deployment that is there or is to be made, for its execution role, or for who
    makes the bucket of its state.

    Raises DeployerError where no config and no deployment is meant.
    """
    deployment = deployment_on_aws(selection, tools, command="iam-policy")
    config = deployment.config
    if deployment.target.name != "aws":
        tools.progress.note("The local AWS asks for no permissions: this is for the same deployment on AWS.")
    account = config.account if deployment.target.name == "aws" else ""
    if not account and whose != "state-bucket":  # the name of a bucket has none
        tools.progress.note("No account is known: ARNs have `*` in its place. `account:` in the config narrows them.")
    statements = _statements(whose, config, account or ANY_ACCOUNT)
    size = characters(statements)
    if size > MANAGED_POLICY_LIMIT:
        tools.progress.note(
            f"These are {size} characters, and a managed policy takes {MANAGED_POLICY_LIMIT}: make two policies of the"
            " statements, or write them into a role as its inline policy (10240)."
        )
    return statements


def _statements(whose: Whose, config: DeploymentConfig, account: str) -> tuple[Statement, ...]:
    if whose == "state-bucket":
        return state_bucket_policy(config)
    return (execution_role_policy if whose == "role" else deployer_policy)(config, account=account)

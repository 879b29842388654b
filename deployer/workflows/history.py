"""`deployer history`: what was released, when, by whom, and what answers now. Only AWS is asked."""

from __future__ import annotations

from deployer.stages.history import History, read_history
from deployer.toolbox import Toolbox
from deployer.workflows.deployment import Selection, deployment_on_aws, reached


def history(selection: Selection, tools: Toolbox) -> History:
    """The releases, the newest first. Raises DeployerError where there are none."""
    deployment = deployment_on_aws(selection, tools, command="history")
    name, region = deployment.config.name, deployment.config.spec.region
    environment = reached(deployment)
    return read_history(name, tools.aws(environment).releases(name), region=region)

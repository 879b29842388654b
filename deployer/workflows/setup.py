"""`deployer setup`: what the first deployment would fetch, fetched ahead of time."""

from __future__ import annotations

from deployer.toolbox import Toolbox
from deployer.tools import bentoctl_environment, terraform_release
from deployer.workspace import project_log


def setup(tools: Toolbox) -> None:
    """Make bentoctl's environment and see to a terraform; says "already" where there is nothing to do."""
    log = project_log(tools.folder, "setup")
    with tools.progress.step("Preparing bentoctl's own environment") as step:
        bentoctl_environment.ensure(runner=tools.runner, variables=tools.variables, log=log, on_step=step.update)
        step.done("bentoctl's own environment is ready")
    with tools.progress.step("Looking for terraform") as step:
        step.done(f"terraform is ready: {terraform_release.find_or_fetch(tools.variables)}")

"""`deployer smoke-test`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from deployer.cli.options import bento_option, deployment_options, output_option

if TYPE_CHECKING:
    from deployer.workflows.deployment import Selection


@click.command("smoke-test")
@bento_option
@deployment_options
@output_option
def smoke_test(*, selection: Selection, yes: bool, output: str) -> int:
    """Send the sample features to a deployment, wait out its cold start, check the answer.

    Exit code 4 when the deployment is not healthy.
    """
    from deployer import ui
    from deployer.toolbox import real_toolbox
    from deployer.workflows.smoke_test import raise_when_unhealthy
    from deployer.workflows.smoke_test import smoke_test as run

    tools = real_toolbox()
    report, deployment = run(selection, tools)
    ui.show_smoke_report(report)
    if output == "json":
        ui.print_json(ui.smoke_as_json(report))
    else:
        ui.print_answer(report)
    raise_when_unhealthy(deployment, report)
    return 0

"""`deployer plan`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from deployer.cli.options import bento_source_options, deployment_options, detailed_exitcode_option, output_option

if TYPE_CHECKING:
    from deployer.workflows.deployment import Selection


@click.command()
@bento_source_options
@click.option("--refresh", is_flag=True, help="Ask terraform even where nothing seems to have changed.")
@detailed_exitcode_option
@deployment_options
@output_option
def plan(
    *,
    bento: str | None,
    build: Path | None,
    python: Path | None,
    refresh: bool,
    detailed_exitcode: bool,
    selection: Selection,
    yes: bool,
    output: str,
) -> int:
    """Show what `up` would do: whether an image is built, what terraform changes, which version gets the traffic.

    Nothing is built, pushed or changed on AWS. Exit codes: 0, and with --detailed-exitcode 2 where there are changes;
    then a bad config or option is 1.
    """
    from deployer import ui, ui_plan
    from deployer.toolbox import real_toolbox
    from deployer.workflows.plan import PlanRequest
    from deployer.workflows.plan import plan as run

    request = PlanRequest(selection, bento=bento, build=build, python=python, refresh=refresh)
    result, _ = run(request, real_toolbox())
    if output == "json":
        ui.print_json(ui_plan.plan_as_json(result))
    else:
        ui_plan.print_plan(result)
    return 2 if detailed_exitcode and result.changed else 0

"""`deployer up`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from deployer.cli.options import bento_source_options, deployment_options, not_empty, output_option

if TYPE_CHECKING:
    from deployer.workflows.deployment import Selection


@click.command()
@bento_source_options
@click.option(
    "--canary", callback=not_empty, metavar="STEPS", help="Move the traffic in steps: 10%[:5m][,50%:5m]. Else at once."
)
@click.option("--refresh", is_flag=True, help="Ask terraform even where nothing seems to have changed.")
@click.option("--allow-destroy", is_flag=True, help="Apply a plan that destroys or replaces something.")
@deployment_options
@output_option
def up(
    *,
    bento: str | None,
    build: Path | None,
    python: Path | None,
    canary: str | None,
    refresh: bool,
    allow_destroy: bool,
    selection: Selection,
    yes: bool,
    output: str,
) -> int:
    """Deploy a Bento, test it with the sample features, then give it the traffic and print its URL.

    The new version is tested through a private URL of its own first: where it fails, what answered before goes on.
    Safe to run again: what is already there is left alone. Exit codes: 0 live and healthy (or nothing changed),
    1 something to act on, 2 bad config or usage, 3 a bug in deployer, 4 deployed but unhealthy, 130 interrupted.
    """
    from deployer import ui, ui_plan
    from deployer.toolbox import real_toolbox
    from deployer.workflows.release import raise_when_unhealthy
    from deployer.workflows.smoke_test import curl_line
    from deployer.workflows.up import Consent, UpRequest
    from deployer.workflows.up import up as run

    tools = real_toolbox()
    request = UpRequest(
        selection,
        bento=bento,
        build=build,
        python=python,
        refresh=refresh,
        canary=canary or "",
        consent=Consent(ui_plan.approval(yes=yes), destroy=allow_destroy),
    )
    result, deployment = run(request, tools)
    ui.show_smoke_report(result.smoke_test)
    if output == "json":
        ui.print_json(ui.up_as_json(result))
    else:
        is_live = result.live == result.version
        ui.print_up(result, curl=curl_line(deployment, result.smoke_test, tools) if is_live else "")
    raise_when_unhealthy(result, deployment)
    return 0

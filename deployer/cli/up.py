"""`deployer up`."""

from __future__ import annotations

from pathlib import Path

import click

from deployer.cli.options import EXECUTABLE, EXISTING_FOLDER, deployment_options, not_empty, output_option
from deployer.config import TargetName


@click.command()
@click.option(
    "--bento",
    callback=not_empty,
    metavar="NAME:VERSION",
    help="The Bento to deploy: NAME:VERSION, NAME:latest or NAME.",
)
@click.option("--build", type=EXISTING_FOLDER, help="Run `bentoml build` in this project first and deploy the result.")
@click.option("--python", type=EXECUTABLE, metavar="PATH", help="The Python that builds the project.")
@deployment_options
@output_option
def up(
    *,
    bento: str | None,
    build: Path | None,
    python: Path | None,
    config: Path | None,
    name: str | None,
    target: TargetName | None,
    yes: bool,
    output: str,
) -> int:
    """Deploy a Bento, test it with the sample features, print its URL.

    Safe to run again: what is already there is left alone. Exit codes: 0 deployed and healthy (or nothing changed),
    1 something to act on, 2 bad config or usage, 3 a bug in deployer, 4 deployed but unhealthy, 130 interrupted.
    """
    from deployer import ui
    from deployer.toolbox import real_toolbox
    from deployer.workflows.deployment import Selection
    from deployer.workflows.smoke_test import curl_line, raise_when_unhealthy
    from deployer.workflows.up import UpRequest
    from deployer.workflows.up import up as run

    tools = real_toolbox()
    selection = Selection(name=name, config=config, target=target)
    result, deployment = run(UpRequest(selection, bento=bento, build=build, python=python), tools)
    ui.show_smoke_report(result.smoke_test)
    if output == "json":
        ui.print_json(ui.up_as_json(result))
    else:
        ui.print_up(result, curl=curl_line(deployment, result.smoke_test, tools))
    raise_when_unhealthy(deployment, result.smoke_test)
    return 0

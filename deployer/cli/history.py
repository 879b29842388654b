"""`deployer history`."""

from __future__ import annotations

from pathlib import Path

import click

from deployer.cli.options import bento_option, deployment_options, output_option
from deployer.config import TargetName


@click.command()
@bento_option
@deployment_options
@output_option
def history(
    *,
    bento: str | None,
    config: Path | None,
    environment: str | None,
    name: str | None,
    target: TargetName | None,
    yes: bool,
    output: str,
) -> int:
    """List what was released: version, Bento, image, when, by whom, which of them answers.

    Read from AWS itself, so it is the same on every machine; a machine that has not deployed here needs the config,
    or --name.
    """
    from deployer import ui, ui_release
    from deployer.toolbox import real_toolbox
    from deployer.workflows.deployment import Selection
    from deployer.workflows.history import history as run

    found = run(
        Selection(name=name, config=config, environment=environment, target=target, bento=bento), real_toolbox()
    )
    if output == "json":
        ui.print_json(ui_release.history_as_json(found.releases))
    else:
        ui_release.print_history(found.releases)
    return 0

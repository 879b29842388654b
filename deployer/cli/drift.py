"""`deployer drift`."""

from __future__ import annotations

from pathlib import Path

import click

from deployer.cli.options import bento_option, deployment_options, detailed_exitcode_option, output_option
from deployer.config import TargetName


@click.command()
@bento_option
@detailed_exitcode_option
@deployment_options
@output_option
def drift(
    *,
    bento: str | None,
    detailed_exitcode: bool,
    config: Path | None,
    environment: str | None,
    name: str | None,
    target: TargetName | None,
    yes: bool,
    output: str,
) -> int:
    """Compare what is there with terraform's state and the config: what was changed by hand, what `up` would change.

    Nothing is changed. Exit codes: 0, and with --detailed-exitcode 2 where anything differs; then a bad config or
    option is 1.
    """
    from deployer import ui, ui_drift
    from deployer.toolbox import real_toolbox
    from deployer.workflows.deployment import Selection
    from deployer.workflows.drift import drift as run

    found = run(
        Selection(name=name, config=config, environment=environment, target=target, bento=bento), real_toolbox()
    )
    if output == "json":
        ui.print_json(ui_drift.drift_as_json(found))
    else:
        ui_drift.print_drift(found)
    return 2 if detailed_exitcode and found else 0

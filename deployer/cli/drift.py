"""`deployer drift`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from deployer.cli.options import bento_option, deployment_options, detailed_exitcode_option, output_option

if TYPE_CHECKING:
    from deployer.workflows.deployment import Selection


@click.command()
@bento_option
@detailed_exitcode_option
@deployment_options
@output_option
def drift(
    *,
    detailed_exitcode: bool,
    selection: Selection,
    yes: bool,
    output: str,
) -> int:
    """Compare what is there with terraform's state and the config: what was changed by hand, what `up` would change.

    Nothing is changed. Exit codes: 0, and with --detailed-exitcode 2 where anything differs; then a bad config or
    option is 1.
    """
    from deployer import ui, ui_drift
    from deployer.toolbox import real_toolbox
    from deployer.workflows.drift import drift as run

    found = run(selection, real_toolbox())
    if output == "json":
        ui.print_json(ui_drift.drift_as_json(found))
    else:
        ui_drift.print_drift(found)
    return 2 if detailed_exitcode and found else 0

"""`deployer history`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from deployer.cli.options import bento_option, deployment_options, output_option

if TYPE_CHECKING:
    from deployer.workflows.deployment import Selection


@click.command()
@bento_option
@deployment_options
@output_option
def history(*, selection: Selection, yes: bool, output: str) -> int:
    """List what was released: version, Bento, image, when, by whom, which of them answers.

    Read from AWS itself, so it is the same on every machine; a machine that has not deployed here needs the config,
    or --name.
    """
    from deployer import ui, ui_release
    from deployer.toolbox import real_toolbox
    from deployer.workflows.history import history as run

    found = run(selection, real_toolbox())
    if output == "json":
        ui.print_json(ui_release.history_as_json(found.releases))
    else:
        ui_release.print_history(found.releases)
    return 0

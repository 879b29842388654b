"""`deployer down`."""

from __future__ import annotations

from pathlib import Path

import click

from deployer.cli.options import bento_option, deployment_options, output_option
from deployer.config import TargetName


@click.command()
@bento_option
@deployment_options
@output_option
def down(
    *, bento: str | None, config: Path | None, name: str | None, target: TargetName | None, yes: bool, output: str
) -> int:
    """Remove a deployment: function, URL, role, log group, images; then look for anything left.

    The Bento, the models and the config stay. A second `down` says that there is nothing and exits 0.
    """
    from deployer import ui
    from deployer.toolbox import real_toolbox
    from deployer.workflows.deployment import Selection
    from deployer.workflows.down import down as run

    selection = Selection(name=name, config=config, target=target, bento=bento)
    result = run(selection, real_toolbox(), confirm=ui.confirmation(yes=yes))
    if output == "json":
        ui.print_json({"name": result.name, "target": result.target, "removed": list(result.removed)})
    else:
        ui.print_down(result)
    return 0

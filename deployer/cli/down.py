"""`deployer down`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from deployer.cli.options import bento_option, deployment_options, output_option

if TYPE_CHECKING:
    from deployer.workflows.deployment import Selection


@click.command()
@click.option("--keep-images", is_flag=True, help="Leave the ECR repository with its images.")
@click.option("--keep-logs", is_flag=True, help="Leave the function's log group.")
@bento_option
@deployment_options
@output_option
def down(
    *,
    keep_images: bool,
    keep_logs: bool,
    selection: Selection,
    yes: bool,
    output: str,
) -> int:
    """Remove a deployment: function, URL, role, log group, images; then look for anything left.

    The Bento, the models and the config stay. A second `down` says that there is nothing and exits 0. Where something
    is left that was not to be kept, it is named and the exit code is 1.
    """
    from deployer import ui
    from deployer.toolbox import real_toolbox
    from deployer.workflows.down import Keep
    from deployer.workflows.down import down as run

    keep = Keep(images=keep_images, logs=keep_logs)
    result = run(selection, real_toolbox(), confirm=ui.confirmation(yes=yes), keep=keep)
    if output == "json":
        ui.print_json(asdict(result))
    else:
        ui.print_down(result)
    return 0

"""`deployer adopt`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deployer.cli.options import EXISTING_FOLDER, deployment_options, output_option

if TYPE_CHECKING:
    from deployer.workflows.deployment import Selection


@click.command()
@click.argument("folder", type=EXISTING_FOLDER)
@click.option("--finish", is_flag=True, help="After `up`: remove the old HTTP API and all that only it needed.")
@click.option("--remove", is_flag=True, help="Remove the whole old deployment instead of taking it over.")
@click.option("--even-if-used", is_flag=True, help="Finish although the old HTTP API was asked in the last 24 hours.")
@deployment_options
@output_option
def adopt(
    *,
    folder: Path,
    finish: bool,
    remove: bool,
    even_if_used: bool,
    selection: Selection,
    yes: bool,
    output: str,
) -> int:
    """Take over or remove what upstream bentoctl deployed from FOLDER, which holds its terraform state.

    The function keeps its name, and its old HTTP API goes on answering from a version of its own until --finish. The
    next `deployer up` then releases to a new endpoint. Each step may be run again. docs/adoption.md has the whole way.
    """
    from deployer import ui, ui_adopt
    from deployer.toolbox import real_toolbox
    from deployer.workflows.adopt import AdoptRequest, Way
    from deployer.workflows.adopt import adopt as run

    if finish and remove:
        raise click.UsageError("--finish and --remove exclude each other.")
    way: Way = "finish" if finish else "remove" if remove else "take over"
    request = AdoptRequest(folder, selection, way, even_if_used=even_if_used)
    result = run(request, real_toolbox(), confirm=ui.confirmation(yes=yes))
    if output == "json":
        ui.print_json(asdict(result))
    else:
        ui_adopt.print_adopted(result)
    return 0

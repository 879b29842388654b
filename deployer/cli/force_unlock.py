"""`deployer force-unlock`: for a lock of the state whose owner is dead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from deployer.cli.options import bento_option, deployment_options, not_empty, output_option

if TYPE_CHECKING:
    from deployer.workflows.deployment import Selection


@click.command("force-unlock")
@click.option(
    "--id",
    "identity",
    callback=not_empty,
    metavar="ID",
    help="The lock's ID, where a backend other than S3 keeps the state.",
)
@bento_option
@deployment_options
@output_option
def force_unlock(
    *,
    identity: str | None,
    selection: Selection,
    yes: bool,
    output: str,
) -> int:
    """Take away a lock of the terraform state whose owner is dead.

    A living owner's lock stays: exit code 1, and who it is. Nothing locked is no error.
    """
    from deployer import ui, ui_drift
    from deployer.toolbox import real_toolbox
    from deployer.workflows.force_unlock import force_unlock as run

    unlocked = run(selection, real_toolbox(), identity=identity, confirm=ui.confirmation(yes=yes))
    if output == "json":
        ui.print_json({"unlocked": bool(unlocked), "detail": unlocked})
    else:
        ui_drift.print_unlocked(unlocked)
    return 0

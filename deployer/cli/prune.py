"""`deployer prune`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from deployer.cli.options import bento_option, deployment_options, output_option

if TYPE_CHECKING:
    from deployer.workflows.deployment import Selection


@click.command()
@click.option("--keep", type=click.IntRange(min=1), required=True, metavar="N", help="How many newest versions stay.")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@bento_option
@deployment_options
@output_option
def prune(
    *,
    keep: int,
    dry_run: bool,
    selection: Selection,
    yes: bool,
    output: str,
) -> int:
    """Delete old versions and their images, and images that no version uses.

    Kept are the newest N versions, and always those that an alias such as live or candidate stands for, and the one
    that `deployer rollback` would go to.
    """
    from deployer import ui, ui_release
    from deployer.toolbox import real_toolbox
    from deployer.workflows.prune import PruneRequest, prune_preview
    from deployer.workflows.prune import prune as run

    request = PruneRequest(selection, keep=keep)
    tools = real_toolbox()
    result = prune_preview(request, tools) if dry_run else run(request, tools, confirm=ui.confirmation(yes=yes))
    if output == "json":
        ui.print_json(ui_release.prune_as_json(result))
    else:
        ui_release.print_prune(result)
    return 0

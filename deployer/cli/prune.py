"""`deployer prune`."""

from __future__ import annotations

from pathlib import Path

import click

from deployer.cli.options import bento_option, deployment_options, output_option
from deployer.config import TargetName


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
    bento: str | None,
    config: Path | None,
    environment: str | None,
    name: str | None,
    target: TargetName | None,
    yes: bool,
    output: str,
) -> int:
    """Delete old versions and their images, and images that no version uses.

    Kept are the newest N versions, and always those that an alias such as live or candidate stands for, and the one
    that `deployer rollback` would go to.
    """
    from deployer import ui, ui_release
    from deployer.toolbox import real_toolbox
    from deployer.workflows.deployment import Selection
    from deployer.workflows.prune import PruneRequest, prune_preview
    from deployer.workflows.prune import prune as run

    request = PruneRequest(
        Selection(name=name, config=config, environment=environment, target=target, bento=bento), keep=keep
    )
    tools = real_toolbox()
    result = prune_preview(request, tools) if dry_run else run(request, tools, confirm=ui.confirmation(yes=yes))
    if output == "json":
        ui.print_json(ui_release.prune_as_json(result))
    else:
        ui_release.print_prune(result)
    return 0

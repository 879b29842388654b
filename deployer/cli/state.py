"""`deployer state`: where terraform's state is kept."""

from __future__ import annotations

from pathlib import Path

import click

from deployer.cli.options import bento_option, deployment_options, output_option
from deployer.config import TargetName


@click.group()
def state() -> None:
    """Where terraform's state is kept. `deployer up` moves it to where the config says."""


@state.command()
@bento_option
@deployment_options
@output_option
def show(
    *,
    bento: str | None,
    config: Path | None,
    name: str | None,
    target: TargetName | None,
    environment: str | None,
    yes: bool,
    output: str,
) -> None:
    """Say where the state is, what it holds, and who holds its lock."""
    from deployer import ui, ui_state
    from deployer.toolbox import real_toolbox
    from deployer.workflows.deployment import Selection
    from deployer.workflows.state import show_state

    selection = Selection(name=name, config=config, target=target, bento=bento, environment=environment)
    found = show_state(selection, real_toolbox())
    if output == "json":
        ui.print_json(ui_state.state_as_json(found))
    else:
        ui_state.print_state(found)


@state.command()
@bento_option
@deployment_options
@output_option
def bucket(
    *,
    bento: str | None,
    config: Path | None,
    name: str | None,
    target: TargetName | None,
    environment: str | None,
    yes: bool,
    output: str,
) -> None:
    """Make the S3 bucket that the config names: versions, encryption, no public access, TLS only.

    Safe to run again. A bucket of another account is refused.
    """
    from deployer import ui, ui_state
    from deployer.toolbox import real_toolbox
    from deployer.workflows.deployment import Selection
    from deployer.workflows.state import make_bucket

    selection = Selection(name=name, config=config, target=target, bento=bento, environment=environment)
    made = make_bucket(selection, real_toolbox())
    if output == "json":
        ui.print_json(ui_state.bucket_as_json(made))
    else:
        ui_state.print_bucket(made)

"""`deployer state`: where terraform's state is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from deployer.cli.options import bento_option, deployment_options, output_option

if TYPE_CHECKING:
    from deployer.workflows.deployment import Selection


@click.group()
def state() -> None:
    """Where terraform's state is kept. `deployer up` moves it to where the config says."""


@state.command()
@bento_option
@deployment_options
@output_option
def show(*, selection: Selection, yes: bool, output: str) -> int:
    """Say where the state is, what it holds, and who holds its lock."""
    from deployer import ui, ui_state
    from deployer.toolbox import real_toolbox
    from deployer.workflows.state import show_state

    found = show_state(selection, real_toolbox())
    if output == "json":
        ui.print_json(ui_state.state_as_json(found))
    else:
        ui_state.print_state(found)
    return 0


@state.command()
@bento_option
@deployment_options
@output_option
def bucket(*, selection: Selection, yes: bool, output: str) -> int:
    """Make the S3 bucket that the config names: versions, encryption, no public access, TLS only.

    Safe to run again. A bucket of another account is refused.
    """
    from deployer import ui, ui_state
    from deployer.toolbox import real_toolbox
    from deployer.workflows.state import make_bucket

    made = make_bucket(selection, real_toolbox())
    if output == "json":
        ui.print_json(ui_state.bucket_as_json(made))
    else:
        ui_state.print_bucket(made)
    return 0

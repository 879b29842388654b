"""The options that commands share, so that they are spelled and explained once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])
EXISTING_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def deployment_options(command: Command) -> Command:
    """Which deployment a command acts on."""
    options = [
        click.option("-f", "--config", type=EXISTING_FILE, help="The deployment config to use."),
        click.option("--name", help="The deployment's name, where there are several."),
        click.option("--target", type=click.Choice(["local", "aws"]), help="Where; the config's, else local."),
        click.option("-y", "--yes", is_flag=True, help="Answer every question with yes."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def output_option(command: Command) -> Command:
    """`--output json` puts only the result on standard output."""
    choice = click.Choice(["text", "json"])
    return click.option("-o", "--output", type=choice, default="text", show_default=True, help="Form of the result.")(
        command
    )

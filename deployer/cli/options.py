"""The options that commands share, so that they are spelled and explained once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from deployer.config import TargetName

Command = TypeVar("Command", bound=Callable[..., Any])
EXISTING_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
EXECUTABLE = click.Path(exists=True, dir_okay=False, executable=True, path_type=Path)
EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def not_empty(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Refuse an empty text: an unset shell variable must not mean "whichever deployment is there"."""
    if value is not None and not value.strip():
        raise click.BadParameter("it is empty.", ctx, param)
    return value


def bento_option(command: Command) -> Command:
    """The deployment of a Bento, for commands that act on one that is there: a part of their `selection`."""
    explained = "Choose the deployment by the Bento that its config names."
    return click.option("--bento", "of_bento", callback=not_empty, metavar="NAME:VERSION", help=explained)(command)


def bento_source_options(command: Command) -> Command:
    """What is to be deployed."""
    options = [
        click.option(
            "--bento",
            callback=not_empty,
            metavar="NAME:VERSION",
            help="The Bento to deploy: NAME:VERSION, NAME:latest or NAME.",
        ),
        click.option(
            "--build", type=EXISTING_FOLDER, help="Run `bentoml build` in this project first and deploy the result."
        ),
        click.option("--python", type=EXECUTABLE, metavar="PATH", help="The Python that builds the project."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def detailed_exitcode_option(command: Command) -> Command:
    """As terraform's: 0 nothing, 2 something, any error 1 or 3."""
    explained = "Exit with 2 where there is something to tell, and with 1 for a bad config or option."
    return click.option("--detailed-exitcode", is_flag=True, help=explained)(command)


def deployment_options(command: Callable[..., int]) -> Callable[..., int]:
    """Which deployment a command acts on, its `selection`; and `yes`."""

    @functools.wraps(command)
    def with_selection(
        *,
        config: Path | None,
        environment: str | None,
        name: str | None,
        target: TargetName | None,
        of_bento: str | None = None,
        **others: Any,
    ) -> int:
        from deployer.workflows.deployment import Selection

        selection = Selection(name=name, config=config, target=target, bento=of_bento, environment=environment)
        return command(selection=selection, **others)

    options = [
        click.option("-f", "--config", type=EXISTING_FILE, help="The deployment config to use."),
        click.option(
            "--env",
            "environment",
            callback=not_empty,
            metavar="NAME",
            help="The environment of the config (its key `environments`).",
        ),
        click.option("--name", callback=not_empty, help="The deployment's name, where there are several."),
        click.option("--target", type=click.Choice(["local", "aws"]), help="Where; the config's, else local."),
        click.option("-y", "--yes", is_flag=True, help="Answer every question with yes."),
    ]
    wrapped: Callable[..., int] = with_selection
    for option in reversed(options):
        wrapped = option(wrapped)
    return wrapped


def output_option(command: Command) -> Command:
    """`--output json` puts only the result on standard output."""
    choice = click.Choice(["text", "json"])
    return click.option("-o", "--output", type=choice, default="text", show_default=True, help="Form of the result.")(
        command
    )

"""`deployer image`: a Bento folder becomes an OCI layout, and a layout becomes an image in a registry."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

import click

from deployer.cli.image_dockerfile import dockerfile
from deployer.cli.image_push import push
from deployer.cli.options import EXISTING_FOLDER, output_option


@click.group()
def image() -> None:
    """Build and push a Lambda image without Docker."""


@image.command()
@click.argument("context", metavar="CONTEXT")
@click.option("--layout", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder to fill.")
@click.option("--machine", default="", help="x86_64 or aarch64. Default: this machine's.")
@click.option(
    "--base", default="", metavar="REFERENCE|none", help="Base image. Default: Debian with the Bento's Python."
)
@click.option("--log", type=click.Path(dir_okay=False, path_type=Path), help="File that gets every detail.")
def build(context: str, layout: Path, machine: str, base: str, log: Path | None) -> None:
    """Build the OCI layout of a Bento.

    CONTEXT is NAME:VERSION of a Bento in the BentoML store, or a Bento's folder that has its models in models/.
    """
    from deployer.image.build import Builder, default_cache
    from deployer.image.context import opened
    from deployer.tools.process import Processes

    cache = default_cache()
    builder = Builder(Processes(), os.environ, cache, _say, log, machine, base)
    with opened(context, variables=os.environ, cache=cache) as folder:
        built = builder.build(folder, layout=layout.absolute())
    click.echo(json.dumps(asdict(built)))


@image.command()
@click.argument("layout", type=EXISTING_FOLDER)
@output_option
def inspect(layout: Path, output: str) -> None:
    """Show the layers of a layout, what is in them, and how much of Lambda's 10 GB they take."""
    from deployer import ui_image
    from deployer.image.inspect import inspect_layout

    report = inspect_layout(layout)
    show = ui_image.print_report_as_json if output == "json" else ui_image.print_report
    show(report)


image.add_command(dockerfile)
image.add_command(push)


def _say(line: str) -> None:
    click.echo(line, err=True)

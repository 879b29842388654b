"""`deployer image dockerfile`: a staged Bento folder becomes a build context for Docker."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click


@click.command()
@click.argument("context", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--base", default="", help="Reference of the base image. Default: Debian with the Bento's Python.")
@click.option(
    "--secrets",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for pip's settings, which a build gets as the secrets `pip` and `ca`.",
)
def dockerfile(context: Path, base: str, secrets: Path) -> None:
    """Arrange a Bento folder that has its models in models/ for Docker. The folder itself is changed."""
    from deployer.image.dockerfile import write_docker_context

    def say(line: str) -> None:
        click.echo(line, err=True)

    made = write_docker_context(
        context.absolute(), base=base, secrets=secrets.absolute(), variables=os.environ, say=say
    )
    click.echo(json.dumps({"dockerfile": str(made.dockerfile), "base": made.base}))

"""`deployer image push`: a layout becomes an image in a registry."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import click

from deployer.cli.options import EXISTING_FOLDER
from deployer.errors import BadInput


@click.command()
@click.argument("layout", type=EXISTING_FOLDER)
@click.argument("reference", metavar="REPOSITORY:TAG")
@click.option("--registry-url", help="Address that stands for the repository's host, as the local target has one.")
@click.option("--or-tag", help="The tag to take where TAG has another image and is immutable.")
@click.option(
    "--check/--no-check",
    default=True,
    show_default=True,
    help="Import the service once from the built layers before the image gets its tag.",
)
@click.option(
    "--secret",
    "secrets",
    multiple=True,
    metavar="NAME",
    help="A variable that the function gets a secret in: a placeholder in that import. May be repeated.",
)
def push(
    layout: Path,
    reference: str,
    *,
    registry_url: str | None,
    or_tag: str | None,
    check: bool,
    secrets: tuple[str, ...],
) -> None:
    """Push a layout; only what the registry lacks is sent."""
    from deployer.tools.image_reference import parse_reference
    from deployer.tools.registry import Registry, nothing
    from deployer.tools.registry_login import login_for
    from deployer.ui_push import push_screen

    image = parse_reference(reference)
    if not reference.endswith(f":{image.tag}"):
        raise BadInput(f"{reference} names no tag.", hint="Write HOST/REPOSITORY:TAG.")
    registry = Registry(
        registry_url or image.url,
        repository=f"{image.host}/{image.repository}" if registry_url else image.repository,
        login=login_for(image.host, os.environ, registry_url=registry_url),
        variables=os.environ,
    )
    with push_screen() as screen:
        before = _import_check(layout.absolute(), screen.note, secrets) if check else nothing
        done = registry.push(layout, tag=image.tag, or_tag=or_tag or "", progress=screen, before_manifest=before)
    click.echo(json.dumps(asdict(done)))


def _import_check(layout: Path, say: Callable[[str], None], secrets: tuple[str, ...]) -> Callable[[], None]:
    """Runs beside the uploads: a module that is missing is found here and not at the first invoke."""
    from deployer import directories
    from deployer.image.import_check import ImportCheck
    from deployer.tools.process import Processes

    check = ImportCheck(Processes(), os.environ, directories.cache(), say, secrets=secrets)
    return lambda: check.check(layout)

"""`deployer image`: a Bento folder becomes an OCI layout, and a layout becomes an image in a registry."""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict
from pathlib import Path

import click

from deployer.errors import BadInput

ECR = re.compile(r"\d{12}\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?")
REFERENCE = re.compile(r"(?P<host>[^/\s]+)/(?P<name>[^:@\s]+):(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127})")


@click.group()
def image() -> None:
    """Build and push a Lambda image without Docker."""


@image.command()
@click.argument("context", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--layout", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder to fill.")
@click.option("--machine", default="", help="x86_64 or aarch64. Default: this machine's.")
@click.option("--log", type=click.Path(dir_okay=False, path_type=Path), help="File that gets every detail.")
def build(context: Path, layout: Path, machine: str, log: Path | None) -> None:
    """Build the OCI layout of a Bento folder that has its models in models/."""
    from deployer.image.build import Builder, default_cache
    from deployer.tools.process import Processes

    builder = Builder(Processes(), os.environ, default_cache(), _say, log, machine)
    built = builder.build(context.absolute(), layout=layout.absolute())
    click.echo(json.dumps(asdict(built)))


@image.command()
@click.argument("layout", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("reference", metavar="REPOSITORY:TAG")
@click.option("--registry-url", help="Address that stands for the repository's host, as the local target has one.")
def push(layout: Path, reference: str, registry_url: str | None) -> None:
    """Push a layout; only what the registry lacks is sent."""
    from deployer.tools.registry import Registry

    found = REFERENCE.fullmatch(reference)
    if found is None:
        raise BadInput(f"{reference} is not an image reference.", hint="Write HOST/REPOSITORY:TAG.")
    host, name, tag = found["host"], found["name"], found["tag"]
    url, repository = (registry_url, f"{host}/{name}") if registry_url else (f"https://{host}", name)
    registry = Registry(url, repository=repository, credentials=_credentials(host, registry_url), variables=os.environ)
    click.echo(json.dumps(asdict(registry.push(layout, tag=tag, say=_say))))


def _credentials(host: str, registry_url: str | None) -> tuple[str, str] | None:
    """ECR's own, from the AWS credentials of the environment; other registries are asked without."""
    ecr = ECR.fullmatch(host)
    if ecr is None:
        return None
    from deployer.targets import Environment
    from deployer.tools.aws import Aws

    environment = Environment(target="aws", region=ecr["region"], registry_url=registry_url)
    return Aws(environment, os.environ).registry_credentials()


def _say(line: str) -> None:
    click.echo(line, err=True)

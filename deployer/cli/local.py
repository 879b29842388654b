"""`deployer local`: start, stop and look at the local AWS."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import click

from deployer.cli.options import output_option


@click.group()
def local() -> None:
    """The local AWS: ECR, Lambda, IAM and CloudWatch Logs in one process of yours, on the loopback address only."""


@local.command()
@output_option
def start(*, output: str) -> None:
    """Start it, unless it runs. `deployer up` does this by itself."""
    from deployer.local import client
    from deployer.local.address import Folders
    from deployer.tools.process import Processes

    status = client.start(Folders.of_user(), runner=Processes(), variables=dict(os.environ))
    _print(status, output)


@local.command()
@output_option
def status(*, output: str) -> int:
    """Say whether it runs, and where. Exit code 1 when it does not."""
    from deployer.local import client
    from deployer.local.address import Folders

    found = client.running(Folders.of_user())
    _print(found, output)
    return 0 if found else 1


@local.command()
def stop() -> None:
    """Stop it and every function process. Deployments on it are forgotten; the next `deployer up` makes them again."""
    from deployer.local import client
    from deployer.local.address import Folders

    click.echo("The local AWS is stopped." if client.stop(Folders.of_user()) else "The local AWS was not running.")


@local.command()
def credentials() -> int:
    """Print its access key and secret as KEY_ID:SECRET, for curl's --user. They open nothing but the local AWS."""
    from deployer.local import client
    from deployer.local.address import Folders

    found = client.running(Folders.of_user())
    if found is None:
        _print(None, "text")
        return 1
    click.echo(f"{found.address.access_key_id}:{found.address.secret_access_key}")
    return 0


@local.command()
@click.option("-f", "--follow", is_flag=True, help="Go on until Ctrl-C.")
def logs(*, follow: bool) -> None:
    """Print its log: the functions' output, and what went wrong in it."""
    from deployer.local.address import Folders

    log = Folders.of_user().log
    if not log.exists() and not follow:
        click.echo("There is no log yet: the local AWS has not been started.", err=True)
    for text in _text(log, follow=follow):
        click.echo(text, nl=False)


def _print(status: object, output: str) -> None:
    from deployer.local.client import Status

    found = status if isinstance(status, Status) else None
    if output == "json":
        click.echo(json.dumps(_described(found), indent=2))
    elif found is None:
        click.echo("The local AWS is not running. `deployer local start` starts it, and so does `deployer up`.")
    else:
        for name, value in _described(found).items():
            click.echo(f"{name:<13} {', '.join(value) if isinstance(value, list) else value}".rstrip())


def _described(status: object) -> dict[str, object]:
    from deployer.local.client import Status

    if not isinstance(status, Status):
        return {"running": False, "endpoint": None}
    reason = f" ({status.isolation_reason})" if status.isolation_reason else ""
    return {
        "running": True,
        "endpoint": status.address.endpoint,
        "registry": status.address.gateway,
        "pid": status.address.pid,
        "isolation": f"{status.isolation}{reason}",
        "functions": list(status.functions),
        "environments": list(status.environments),
    }


def _text(log: Path, *, follow: bool) -> Iterator[str]:
    position = 0
    while True:
        if log.exists():
            with log.open(encoding="utf-8", errors="replace") as file:
                file.seek(position)
                yield from file
                position = file.tell()
        if not follow:
            return
        time.sleep(0.2)

"""What people see of `adopt`."""

from __future__ import annotations

import click

from deployer.results import AdoptResult


def print_adopted(result: AdoptResult) -> None:
    """What was done, and what the user does next, a line each."""
    for line in result.removed:
        click.echo(f"removed {line}")
    for line in result.kept:
        click.echo(f"kept {line}")
    if result.next:
        _print_taken_over(result)
    elif not result.removed and not result.kept:
        click.echo(f"nothing to remove: nothing is left of {result.name}")


def _print_taken_over(result: AdoptResult) -> None:
    click.echo(f"{result.name} is deployer's: the next `deployer up` takes it over")
    if result.version:
        click.echo(f"{result.old_endpoint} answers as before: it asks version {result.version}")
    for path in result.set_aside:
        click.echo(f"set aside {path}")
    for number, line in enumerate(result.next, start=1):
        click.echo(f"{number}. {line}")

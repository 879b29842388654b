"""What people and programs see of `state`."""

from __future__ import annotations

from typing import Any

import click

from deployer.results import StateBucketResult, StateResult


def state_as_json(found: StateResult) -> dict[str, Any]:
    """The public shape of `deployer state show --output json`."""
    lock = {"id": found.lock_id, "holder": found.lock} if found.lock else None
    return {
        "name": found.name,
        "place": found.place,
        "resources": list(found.resources),
        "lock": lock,
        "moves_to": found.moves_to or None,
    }


def print_state(found: StateResult) -> None:
    click.echo(f"{found.place}: {len(found.resources)} resources")
    identity = f" (ID {found.lock_id})" if found.lock_id else ""
    click.echo(f"locked by {found.lock}{identity}" if found.lock else "nobody holds its lock")
    if found.moves_to:
        click.echo(f"the config wants it elsewhere: the next `deployer up` moves it to {found.moves_to}")


def bucket_as_json(made: StateBucketResult) -> dict[str, Any]:
    """The public shape of `deployer state bucket --output json`."""
    return {"bucket": made.bucket, "region": made.region, "done": list(made.done)}


def print_bucket(made: StateBucketResult) -> None:
    for line in made.done or (f"bucket {made.bucket} is as it should be already",):
        click.echo(line)

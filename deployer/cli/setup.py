"""`deployer setup`."""

from __future__ import annotations

import click


@click.command()
def setup() -> int:
    """Prepare bentoctl's own environment, and fetch terraform where there is none.

    `deployer up` does the same when it is needed; this is for doing it ahead of time, while there is a network.
    """
    from deployer.toolbox import real_toolbox
    from deployer.workflows.setup import setup as run

    run(real_toolbox())
    return 0

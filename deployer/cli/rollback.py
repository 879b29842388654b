"""`deployer rollback`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from deployer.cli.options import bento_option, deployment_options, not_empty, output_option

if TYPE_CHECKING:
    from deployer.workflows.deployment import Selection


@click.command()
@click.option(
    "--to",
    callback=not_empty,
    metavar="N|TAG",
    help="A version's number, or a Bento's tag or version; else the version that answered before.",
)
@bento_option
@deployment_options
@output_option
def rollback(
    *,
    to: str | None,
    selection: Selection,
    yes: bool,
    output: str,
) -> int:
    """Give the traffic back to an older version, once that has passed the smoke test.

    The URL stays. Takes seconds, and works while `deployer up` runs or after it has died. A gradual release that is on
    its way is ended: all traffic goes back to the version before it. Exit code 4 when the older version is not
    healthy: then nothing was changed.
    """
    from deployer import ui, ui_release
    from deployer.toolbox import real_toolbox
    from deployer.workflows.rollback import RollbackRequest, raise_when_refused
    from deployer.workflows.rollback import rollback as run

    request = RollbackRequest(selection, to=to or "")
    result, deployment = run(request, real_toolbox(), confirm=ui.confirmation(yes=yes))
    if result.smoke_test is not None:
        ui.show_smoke_report(result.smoke_test)
    if output == "json":
        ui.print_json(ui_release.rollback_as_json(result))
    else:
        ui_release.print_rollback(result)
    raise_when_refused(result, deployment)
    return 0

"""`deployer invoke`."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

import click

from deployer.cli.options import bento_option, deployment_options, not_empty, output_option

if TYPE_CHECKING:
    from deployer.workflows.deployment import Selection
    from deployer.workflows.invoke import Document


@click.command()
@click.argument("route", required=False, callback=not_empty)
@click.option("--data", metavar="JSON", help="The body for the route; an empty object where none is given.")
@click.option("--data-file", type=click.File("rb"), metavar="FILE", help="A file with the body; - is standard input.")
@click.option("--event", type=click.File("rb"), metavar="FILE", help="A JSON file with a whole event, sent as it is.")
@bento_option
@deployment_options
@output_option
def invoke(
    *,
    route: str | None,
    data: str | None,
    data_file: IO[bytes] | None,
    event: IO[bytes] | None,
    selection: Selection,
    yes: bool,
    output: str,
) -> int:
    """Ask an API of a deployment without HTTP, as a schedule or another program does; print its answer.

    ROUTE is a route of the Bento such as /predict; without it, spec.event_route of the config or the Bento's only
    route. Exit codes: 1 the API refused the request, 4 the function failed.

    \b
    deployer invoke /predict --data '{"rows": [[1, 2]]}'
    deployer invoke --event scheduled-event.json
    """
    from deployer import ui
    from deployer.errors import BadInput
    from deployer.toolbox import real_toolbox
    from deployer.workflows.invoke import Document, InvokeRequest, raise_when_failed
    from deployer.workflows.invoke import invoke as run

    if data is not None and data_file is not None:
        raise BadInput("--data and --data-file exclude each other.", hint="Leave one of them out.")
    body = Document(data.encode("utf-8", "surrogateescape"), "--data") if data is not None else None
    request = InvokeRequest(
        selection,
        route=route or "",
        data=body or _document(data_file, "--data-file"),
        event=_document(event, "--event"),
    )
    invoked, deployment = run(request, real_toolbox())
    if invoked.failed:
        ui.show_function_log(invoked.log)
    if output == "json":
        ui.print_json(ui.invoked_as_json(invoked))
    else:
        ui.print_invoked(invoked)
    raise_when_failed(invoked, deployment)
    return 0


def _document(file: IO[bytes] | None, option: str) -> Document | None:
    from deployer.workflows.invoke import Document

    return None if file is None else Document(file.read(), f"{option} {getattr(file, 'name', '<stdin>')}")

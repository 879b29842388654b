"""`deployer iam-policy`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from deployer.cli.options import bento_option, deployment_options

if TYPE_CHECKING:
    from deployer.workflows.deployment import Selection


@click.command("iam-policy")
@click.option("--role", is_flag=True, help="What the function's execution role allows, in place of the deployer's.")
@bento_option
@deployment_options
@click.option(
    "-o",
    "--output",
    type=click.Choice(["json", "text"]),
    default="json",
    show_default=True,
    help="The policy itself, or each statement explained.",
)
def iam_policy(
    *,
    role: bool,
    selection: Selection,
    yes: bool,
    output: str,
) -> int:
    """Print the IAM policy that deployer needs for a config: every action of its commands, and nothing else.

    AWS is not asked, so it can be printed before anything is deployed. The resources are the deployment's own, in
    the account of the config (`account:`) or of what is deployed.
    """
    from deployer import ui, ui_policy
    from deployer.policies import document
    from deployer.toolbox import real_toolbox
    from deployer.workflows.iam_policy import iam_policy as run

    statements = run(selection, real_toolbox(), role=role)
    if output == "json":
        ui.print_json(document(statements))
    else:
        ui_policy.print_statements(statements)
    return 0

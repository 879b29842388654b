"""`deployer iam-policy`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from deployer.cli.options import bento_option, deployment_options

if TYPE_CHECKING:
    from deployer.workflows.deployment import Selection
    from deployer.workflows.iam_policy import Whose


@click.command("iam-policy")
@click.option(
    "--role",
    "whose",
    flag_value="role",
    help="What the function's execution role allows, in place of the deployer's.",
)
@click.option("--state-bucket", "whose", flag_value="state-bucket", help="What `deployer state bucket` needs.")
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
    whose: Whose | None,
    selection: Selection,
    yes: bool,
    output: str,
) -> int:
    """Print the IAM policy that deployer needs for a config: every action of its commands, and nothing else.

    AWS is not asked, so it can be printed before anything is deployed. The resources are the deployment's own, in
    the account of the config (`account:`) or of what is deployed.

    Three things are done once, with more: `state bucket` (see --state-bucket), `adopt` (docs/adoption.md lists what it
    needs), and taking away what the config had before and has no more, where that was an HTTP API or a state in S3.
    For the last, print the policy of the config as it was too.
    """
    from deployer import ui, ui_policy
    from deployer.policies import document
    from deployer.toolbox import real_toolbox
    from deployer.workflows.iam_policy import iam_policy as run

    statements = run(selection, real_toolbox(), whose=whose or "deployer")
    if output == "json":
        ui.print_json(document(statements))
    else:
        ui_policy.print_statements(statements)
    return 0

"""The command line: parse, build a toolbox, call one workflow, hand the result to the screen. No logic.

Subcommands are imported when they are called, so that `deployer --help` starts in a fifth of a second.
"""

from __future__ import annotations

import importlib
import sys

import click

from deployer import __version__
from deployer.cli import failures

COMMANDS = {
    "up": ("deployer.cli.up:up", "Deploy a Bento, test it, print its URL."),
    "plan": ("deployer.cli.plan:plan", "Show what `up` would change."),
    "smoke-test": (
        "deployer.cli.smoke_test:smoke_test",
        "Send the sample features, check the answer.",
    ),
    "invoke": ("deployer.cli.invoke:invoke", "Ask an API without HTTP: by its route, or with an event."),
    "history": ("deployer.cli.history:history", "List the versions: what they hold, which one is live."),
    "rollback": ("deployer.cli.rollback:rollback", "Give the traffic back to an earlier version, in seconds."),
    "prune": ("deployer.cli.prune:prune", "Delete old versions and their images."),
    "drift": ("deployer.cli.drift:drift", "Compare what is there with the state and the config."),
    "down": ("deployer.cli.down:down", "Remove a deployment and everything that belongs to it."),
    "adopt": ("deployer.cli.adopt:adopt", "Take over or remove what upstream bentoctl deployed."),
    "iam-policy": ("deployer.cli.iam_policy:iam_policy", "Print the IAM policy that deployer needs for a config."),
    "force-unlock": ("deployer.cli.force_unlock:force_unlock", "Remove a state lock whose owner is dead."),
    "state": ("deployer.cli.state:state", "Say where terraform's state is, make its bucket."),
    "local": ("deployer.cli.local:local", "Start, stop and look at the local AWS."),
    "image": ("deployer.cli.image:image", "Build and push a Lambda image without Docker."),
    "setup": ("deployer.cli.setup:setup", "Fetch ahead of time what the first deployment needs."),
}


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports one when it is run or asked for its own help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name][0].split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="deployer")
def deployer() -> None:
    """From a BentoML Bento to a live, tested AWS Lambda URL in one command.

    \b
    deployer up --bento digits_classifier:latest
    deployer smoke-test
    deployer down
    """


def main() -> None:
    """Run the command line and end the process with the exit code that the README promises."""
    sys.exit(_exit_code_of_a_run())


def _exit_code_of_a_run() -> int:
    failures.treat_signals_as_ctrl_c()
    failures.show_every_character()
    try:
        code = deployer.main(standalone_mode=False)
    except (Exception, KeyboardInterrupt) as error:
        return _not_changes(failures.report(error))
    return code if isinstance(code, int) else 0


def _not_changes(code: int) -> int:
    """With --detailed-exitcode, 2 means changes: what is bad input elsewhere is an error like any other."""
    return 1 if code == 2 and "--detailed-exitcode" in sys.argv[1:] else code

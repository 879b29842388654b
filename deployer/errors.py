"""Every failure a user may see. The CLI is the only catcher; anything else that escapes is a bug in deployer."""

from __future__ import annotations

from pathlib import Path


class DeployerError(Exception):
    """Something the user can act on (exit code 1).

    `message` says what failed, where and why; `hint` says what to do next; `log` is the file with every detail.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "", log: Path | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.log = log


class BadInput(DeployerError):
    """A config, option or argument that cannot be used (exit code 2)."""

    exit_code = 2


class Unhealthy(DeployerError):
    """The deployment is there and does not answer as it should (exit code 4)."""

    exit_code = 4


class Interrupted(DeployerError):
    """Ctrl-C: the children were stopped and the next run continues (exit code 130)."""

    exit_code = 130

"""The host's Python interpreters that run images without a base image of their own."""

from __future__ import annotations

from collections.abc import Mapping

from deployer.errors import DeployerError
from deployer.tools.process import Runner
from deployer.tools.python_interpreter import Interpreter, describe, find_python


class Interpreters:
    """Finds an interpreter of a minor version once; `variables` are the environment to look in."""

    def __init__(self, *, runner: Runner, variables: Mapping[str, str]) -> None:
        self._runner, self._variables = runner, variables
        self._found: dict[str, Interpreter] = {}

    def find(self, minor: str) -> Interpreter:
        """Raises DeployerError naming the version and how to get it when the host has none."""
        if minor not in self._found:
            self._found[minor] = self._find(minor)
        return self._found[minor]

    def _find(self, minor: str) -> Interpreter:
        if not minor:
            raise DeployerError("The image does not say which Python it is for (label deployer.python).")
        path = find_python(minor, runner=self._runner, variables=self._variables)
        if path is None:
            raise DeployerError(
                f"This machine has no Python {minor}: the local target runs the image with the host's interpreter.",
                hint=f"Install it, for example with: uv python install {minor}. Or deploy with --target aws.",
            )
        return describe(path, runner=self._runner)

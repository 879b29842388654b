"""Which version takes an invocation: of an alias with weights, each by its share (RoutingConfig)."""

from __future__ import annotations

from random import Random

from deployer.local.control_plane import ControlPlane
from deployer.local.functions import LATEST, FunctionName, FunctionVersion


class AliasRouting:
    """Aliases are read at each invocation, so that a moved alias or weight counts at once."""

    def __init__(self, control_plane: ControlPlane, random: Random) -> None:
        self._control_plane, self._random = control_plane, random

    def version(self, function: FunctionName, qualifier: str) -> FunctionVersion:
        """The version to run; an empty qualifier is `$LATEST`. Raises NoSuchFunction."""
        return self._control_plane.version(function, self._drawn(function, qualifier or LATEST))

    def _drawn(self, function: FunctionName, qualifier: str) -> str:
        alias = self._control_plane.aliases(function).get(qualifier)
        if alias is None or not alias.weights:
            return qualifier
        drawn = self._random.random()
        for version, weight in alias.weights.items():
            if drawn < weight:
                return version
            drawn -= weight
        return alias.version

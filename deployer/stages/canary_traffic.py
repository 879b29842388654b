"""The share of `live`'s traffic that a new version has, as long as nobody else moves the alias.

Each change is one UpdateAlias with the RevisionId that was read. A permission that is added changes the RevisionId
too, and so does a change of ours whose answer was lost: what counts is whether version and weights are as we left them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Protocol

from deployer.clock import Clock
from deployer.errors import DeployerError
from deployer.releases import Alias
from deployer.stages.interrupts import held_off
from deployer.tools.aws_releases import AliasMoved

PAUSES = (0.0, 1.0, 3.0, 9.0, 20.0)  # seconds before each try to put live back
PATIENCE = 60.0  # seconds for which Ctrl-C waits for that
ROUNDING = 1e-6  # of a weight

Weights = Mapping[str, float]


class Releases(Protocol):
    """`tools.aws_releases.Releases`, as far as a canary needs it."""

    def alias(self, name: str) -> Alias | None: ...

    def move(self, alias: Alias, version: str, *, weights: Weights | None = None) -> Alias: ...


class MovedElsewhere(AliasMoved):
    """Somebody else decided what `live` points at; it is left so."""


class Traffic:
    """`live`, shared by the version that it points at and `candidate`, another version."""

    def __init__(self, live: Alias, candidate: str, releases: Releases) -> None:
        self._candidate, self._releases = candidate, releases
        self._alias = live
        self._ours: list[Weights] = [live.weights]  # all that this canary found or asked for

    @property
    def alias(self) -> Alias:
        """As it was last read or changed."""
        return self._alias

    def share(self, weight: float) -> None:
        """Give the candidate this part of the traffic. Raises MovedElsewhere."""
        weights = {self._candidate: weight}
        self._ours.append(weights)
        try:
            self._alias = self._releases.move(self._alias, self._alias.version, weights=weights)
        except AliasMoved:
            self._alias = self._releases.move(self._read(), self._alias.version, weights=weights)

    def check(self) -> None:
        """Raises MovedElsewhere where live is not as it was left."""
        found = self._read()
        if not _same(found.weights, self._alias.weights):
            raise _moved(found.name, found)
        self._alias = found

    def put_back(self, clock: Clock) -> None:
        """Let the version that live points at answer everything. Tries again where AWS fails or Ctrl-C comes.

        Raises MovedElsewhere, or at last what made the last try fail.
        """
        self._ours.append({})
        failures: list[BaseException] = []
        with held_off(PATIENCE, clock=clock):
            for pause in PAUSES:
                try:
                    clock.sleep(pause)
                    return self._clear()
                except MovedElsewhere:
                    raise
                except (Exception, KeyboardInterrupt) as failure:
                    failures.append(failure)
            raise failures[-1]

    def _clear(self) -> None:
        found = self._read()
        if found.weights:
            self._alias = self._releases.move(found, found.version)
        elif found.revision == self._alias.revision:
            self._overtake(found)

    def _overtake(self, found: Alias) -> None:
        """A request of ours that was cut off may still be on its way: of two with one RevisionId AWS takes one."""
        try:
            self._alias = self._releases.move(found, found.version)
        except AliasMoved:
            raise
        except DeployerError:
            return  # not even allowed: then there is none

    def _read(self) -> Alias:
        """The alias as it is now. Raises MovedElsewhere where this canary has never seen it so."""
        name, version = self._alias.name, self._alias.version
        found = self._releases.alias(name)
        ours = found is not None and found.version == version and any(_same(found.weights, one) for one in self._ours)
        if found is None or not ours:
            raise _moved(name, found)
        return found


def _same(some: Weights, others: Weights) -> bool:
    return some.keys() == others.keys() and all(
        math.isclose(weight, others[version], abs_tol=ROUNDING) for version, weight in some.items()
    )


def _shared(weights: Weights) -> str:
    return "".join(f", with {weight * 100:.6g} % for version {version}" for version, weight in weights.items())


def _moved(name: str, found: Alias | None) -> MovedElsewhere:
    shared = _shared(found.weights) if found else ""
    now = f"it points at version {found.version}{shared}, and is left so" if found else "it is gone"
    return MovedElsewhere(
        f"{name} is not as the canary left it: {now}.",
        hint="`deployer history` shows the releases; run the same command again if this one is still wanted.",
    )

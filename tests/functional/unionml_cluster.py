"""Run by UnionML's own Python in the example's folder: remote_training.py with a Flyte cluster that answers.

The cluster is a typed fake: `remote_train` returns the artifact that UnionML makes of a finished workflow.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import remote_training
from digits_classifier_app import model, service
from flytekit.exceptions.system import FlyteSystemException, FlyteSystemUnavailableException
from flytekit.exceptions.user import FlyteAuthenticationException, FlyteEntityNotExistException
from unionml.model import ModelArtifact

ASKED = {"C": 1.0, "max_iter": 5000}  # as in UnionML's guide


class Cluster:
    """`trouble` is what the cluster has against it; without it the training is done as the workflow does it."""

    def __init__(self, trouble: Exception | None) -> None:
        self._trouble = trouble

    def remote_train(self, *, hyperparameters: Mapping[str, Any]) -> ModelArtifact:
        if self._trouble is not None:
            raise self._trouble
        if hyperparameters != ASKED:
            raise AssertionError(hyperparameters)
        model.train(hyperparameters=hyperparameters)
        artifact: ModelArtifact = model.artifact
        return artifact

    def train(self, *, hyperparameters: Mapping[str, Any]) -> tuple[Any, Any]:
        raise AssertionError("nobody asked for the local execution")


TROUBLES = {
    "none": None,
    "unavailable": FlyteSystemUnavailableException(),
    "failing": FlyteSystemException("404 of a gateway\nwith its page"),
    "not-deployed": FlyteEntityNotExistException(),
    "not-known": FlyteAuthenticationException(),
}

if __name__ == "__main__":
    sys.exit(remote_training.run(Cluster(TROUBLES[sys.argv[1]]), service.save_model, local=False))

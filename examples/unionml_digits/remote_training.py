"""Train the app on a Flyte cluster and save its model to the BentoML store, where `bentoml build` finds it.

The app must be on the cluster first: `unionml deploy digits_classifier_app:model`. With --local the same training runs
here, by flytekit's local execution.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from typing import Any, Protocol

HYPERPARAMETERS = {"C": 1.0, "max_iter": 5000}


class Artifact(Protocol):
    """What UnionML's ModelArtifact is here: something that holds the trained estimator."""

    @property
    def model_object(self) -> Any: ...


class TrainableModel(Protocol):
    """The part of UnionML's Model that trains."""

    def remote_train(self, *, hyperparameters: Mapping[str, Any]) -> Artifact: ...

    def train(self, *, hyperparameters: Mapping[str, Any]) -> tuple[Any, Any]: ...


def train(model: TrainableModel, *, local: bool) -> Any:
    """The trained estimator. On the cluster this waits until the workflow has ended."""
    if local:
        estimator, _ = model.train(hyperparameters=HYPERPARAMETERS)
        return estimator
    return model.remote_train(hyperparameters=HYPERPARAMETERS).model_object


def run(model: TrainableModel, save: Callable[[Any], object], *, local: bool) -> int:
    """Train and save; the exit code. What only the cluster can be to blame for is one line on standard error."""
    from flytekit.exceptions.system import FlyteSystemException, FlyteSystemUnavailableException
    from flytekit.exceptions.user import FlyteAuthenticationException, FlyteEntityNotExistException

    try:
        print(f"BentoML saved model: {save(train(model, local=local))}")
    except FlyteSystemUnavailableException:
        return refuse("no Flyte cluster answers: start one with `flytectl demo start` or name yours in FLYTECTL_CONFIG")
    except FlyteEntityNotExistException:
        return refuse(
            "the app is not on the cluster yet: put it there with `unionml deploy digits_classifier_app:model`"
        )
    except FlyteAuthenticationException:
        return refuse("the Flyte cluster does not know you: look at the login in FLYTECTL_CONFIG")
    except FlyteSystemException as error:
        return refuse(f"the Flyte cluster failed: {next(iter(str(error).splitlines()), '') or type(error).__name__}")
    return 0


def refuse(reason: str) -> int:
    print(f"remote_training.py: {reason}; --local trains here instead.", file=sys.stderr)
    return 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--local", action="store_true", help="train here, by flytekit's local execution")
    arguments = parser.parse_args()
    from digits_classifier_app import model, service  # takes seconds, and --help needs none of it

    return run(model, service.save_model, local=arguments.local)


if __name__ == "__main__":
    sys.exit(main())

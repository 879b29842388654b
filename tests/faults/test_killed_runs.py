"""Runs that are killed with all their processes, as by a loss of power: one `up` or one `down` gets out of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from cut_off import Run, runs, says, started
from laptop import Laptop

NAME = "killed"


def state_holds(kind: str, name: str) -> Callable[[Run], bool]:
    """Whether terraform has written down a resource: what it makes next is in AWS and in no state."""
    resource = re.compile(rf'"type": "{kind}",\s+"name": "{name}"')
    return lambda run: bool(resource.search(_state(run.errors.parent)))


def _state(folder: Path) -> str:
    file = folder / ".deployer" / NAME / "local" / "terraform" / "terraform.tfstate"
    return file.read_text(encoding="utf-8") if file.exists() else ""


def both(*conditions: Callable[[Run], bool]) -> Callable[[Run], bool]:
    return lambda run: all(condition(run) for condition in conditions)


WHILE = {
    "the image is built": runs("deployer image build"),
    "the function is made": both(runs("terraform apply"), state_holds("aws_iam_role_policy", "log")),
    "the candidate is tested and not released": says("Smoke test of version 1"),
    "the first version is released": both(says("Smoke test of version 1"), state_holds("aws_lambda_alias", "live")),
}
CASES = [
    ("the image is built", "down"),
    ("the function is made", "up"),
    ("the function is made", "down"),
    ("the candidate is tested and not released", "up"),
    ("the first version is released", "up"),
]


@pytest.fixture
def up(laptop: Laptop, echo: str) -> tuple[str, ...]:
    """The command, on a local AWS that runs already: it must outlive the killed run."""
    laptop.deployer("local", "start")
    return ("up", "--bento", echo, "--name", NAME)


@pytest.mark.parametrize(("stage", "way_out"), CASES)
def test_a_killed_up_needs_one_command(laptop: Laptop, up: tuple[str, ...], stage: str, way_out: str) -> None:
    """Whatever had been made is taken over or goes; afterwards nothing is left to do, and nothing is left."""
    with started(laptop, *up) as run:
        run.wait_for(WHILE[stage])
        run.kill_all()
    if way_out == "up":
        is_whole(laptop, up)
    is_gone(laptop)


def test_a_function_that_was_changed_and_not_published_is_published(laptop: Laptop, up: tuple[str, ...]) -> None:
    """Between the two the provider waits for seconds; the next `up` finds nothing to change, and releases it."""
    config = laptop.folder / "killed.yaml"
    again = ("up", "-f", str(config))
    document = {"api_version": "v1", "name": NAME, "operator": {"name": "aws-lambda"}, "template": "terraform"}
    config.write_text(json.dumps({**document, "bento": up[2]}), encoding="utf-8")
    first = laptop.deployer_json(*again)
    config.write_text(json.dumps({**document, "bento": up[2], "spec": {"memory_size": 2048}}), encoding="utf-8")
    functions = laptop.functions()

    def is_changed(run: Run) -> bool:
        found = functions.get_function_configuration(FunctionName=NAME)
        return bool(found["MemorySize"] == 2048)

    with started(laptop, *again, "--yes") as run:
        run.wait_for(is_changed)
        run.kill_all()
    second = laptop.deployer_json(*again)
    assert (first["version"], "2", "2") == ("1", second["version"], second["live"])
    assert 2048 == functions.get_function_configuration(FunctionName=NAME, Qualifier="live")["MemorySize"]
    assert laptop.deployer_json(*again)["changed"] is False
    is_gone(laptop)


@pytest.mark.parametrize("way_out", ["up", "down"])
def test_a_killed_down_needs_one_command(laptop: Laptop, up: tuple[str, ...], way_out: str) -> None:
    """In the middle of what it destroys."""
    laptop.deployer(*up)
    with started(laptop, "down", "--name", NAME) as run:
        run.wait_for(both(runs("terraform apply"), lambda run: not state_holds("aws_lambda_alias", "live")(run)))
        run.kill_all()
    if way_out == "up":
        is_whole(laptop, up)
    is_gone(laptop)


def is_whole(laptop: Laptop, up: tuple[str, ...]) -> None:
    """One `up` deploys and releases; another has nothing to do."""
    first, second = laptop.deployer_json(*up), laptop.deployer_json(*up)
    assert (True, first["version"]) == (first["smoke_test"]["healthy"], first["live"])
    assert (False, True) == (second["changed"], second["smoke_test"]["healthy"])


def is_gone(laptop: Laptop) -> None:
    """One `down`, which looks itself for what is left; nothing is there for another."""
    laptop.deployer("down", "--name", NAME)
    assert [] == laptop.deployer_json("down", "--name", NAME)["removed"]

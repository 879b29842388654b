"""Which builder, which base image and which machine an image gets, and what is said about it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deployer.config import DeploymentConfig, ImageOptions, Spec
from deployer.errors import BadInput, DeployerError
from deployer.models import Bento, Demands, ImagePlan, Tag
from deployer.stages.image_plan import plan_image
from deployer.targets import Environment

AWS = Environment("aws", "us-east-1")
LOCAL = Environment("local", "us-east-1", runs_without_base=True, architecture="arm64")
CONFIG = DeploymentConfig(name="digits")
PLAIN = Bento(Tag("digits", "v1"), Path("/bento"), "3.11", "1.4.39", "service:Digits")
WITH_APT = replace(PLAIN, demands=Demands(apt=("libgomp1",), docker=("the apt packages libgomp1",)))
WITH_BASE = replace(PLAIN, demands=Demands(base_image="example.com/base:1"))


def with_image(builder: str = "auto", base: str = "") -> DeploymentConfig:
    return replace(CONFIG, image=ImageOptions(builder=builder, base=base))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("bento", "config", "environment", "plan"),
    [
        (PLAIN, CONFIG, AWS, ImagePlan("oci", "", "x86_64")),
        (PLAIN, CONFIG, LOCAL, ImagePlan("oci", "none", "aarch64")),
        (PLAIN, with_image("docker"), AWS, ImagePlan("docker", "", "x86_64")),
        (WITH_BASE, with_image("docker"), LOCAL, ImagePlan("docker", "example.com/base:1", "aarch64")),
        (PLAIN, with_image("oci", "python:3.11"), LOCAL, ImagePlan("oci", "python:3.11", "aarch64")),
        (WITH_BASE, CONFIG, AWS, ImagePlan("oci", "example.com/base:1", "x86_64")),
        (WITH_BASE, with_image(base="python:3.11"), AWS, ImagePlan("oci", "python:3.11", "x86_64")),
        (PLAIN, replace(CONFIG, spec=Spec(architecture="arm64")), AWS, ImagePlan("oci", "", "aarch64")),
    ],
)
def test_the_config_decides_then_the_bento_then_the_target(
    bento: Bento, config: DeploymentConfig, environment: Environment, plan: ImagePlan
) -> None:
    """Each key of the config wins over what the Bento says, and that over what the target would take."""
    assert plan_image(bento, config, environment) == (plan, ())


def test_auto_takes_docker_for_what_only_docker_can_do_and_says_why() -> None:
    """A surprise build with another tool is explained by the Bento's own words."""
    plan, notes = plan_image(WITH_APT, CONFIG, AWS)
    assert plan.builder == "docker"
    assert notes == ("the Bento asks for the apt packages libgomp1: its image is built with Docker",)


def test_without_docker_such_a_bento_is_refused_by_name() -> None:
    """Left out in silence, the package would be missed at the first request."""
    with pytest.raises(DeployerError) as caught:
        plan_image(WITH_APT, with_image("oci"), AWS)
    assert "the apt packages libgomp1" in caught.value.message
    assert "builder: docker" in caught.value.hint


def test_an_image_without_a_base_does_not_reach_lambda() -> None:
    """It would be a function that never starts."""
    with pytest.raises(BadInput) as caught:
        plan_image(PLAIN, with_image(base="none"), AWS)
    assert "base: none" in caught.value.message


def test_a_base_of_the_bento_that_the_target_does_without_is_told() -> None:
    """What is in that base is not there when the service runs on the host's Python."""
    plan, notes = plan_image(WITH_BASE, CONFIG, LOCAL)
    assert plan.base == "none"
    assert notes == ("the Bento's base image example.com/base:1 is not part of the image on this target",)


def test_what_is_done_otherwise_than_the_bento_says_is_told() -> None:
    """The Bento's notes come first."""
    bento = replace(PLAIN, demands=Demands(notes=("no GPU",)))
    assert plan_image(bento, CONFIG, AWS)[1] == ("no GPU",)

"""How a Bento's image is to be made: with or without Docker, on which base image, for which machine."""

from __future__ import annotations

from deployer.config import DeploymentConfig
from deployer.errors import BadInput
from deployer.models import Bento, ImagePlan
from deployer.targets import Environment
from deployer.tools.bento_demands import refuse_docker_only

MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}  # Lambda's names, and Python's and the wheels'


def plan_image(bento: Bento, config: DeploymentConfig, environment: Environment) -> tuple[ImagePlan, tuple[str, ...]]:
    """The plan, and what people should know of it. Raises DeployerError for what cannot be made as asked."""
    builder, reasons = _builder(bento, config)
    base, remarks = _base(bento, config, environment, builder)
    machine = MACHINES[config.spec.architecture or environment.architecture]
    return ImagePlan(builder, base, machine, config.image.import_check), (
        *bento.demands.notes,
        *reasons,
        *remarks,
        *_unset(bento, config),
    )


def _unset(bento: Bento, config: DeploymentConfig) -> tuple[str, ...]:
    missing = [name for name in bento.unset if name not in config.env]
    return (f"the Bento expects values for {', '.join(missing)}; the config's `env` names none",) if missing else ()


def _builder(bento: Bento, config: DeploymentConfig) -> tuple[str, tuple[str, ...]]:
    if config.image.builder == "docker":
        return "docker", ()
    if config.image.builder == "oci" or not bento.demands.docker:
        refuse_docker_only(bento)
        return "oci", ()
    return "docker", (f"the Bento asks for {', '.join(bento.demands.docker)}: its image is built with Docker",)


def _base(
    bento: Bento, config: DeploymentConfig, environment: Environment, builder: str
) -> tuple[str, tuple[str, ...]]:
    """The config decides, then the Bento; the local target needs none, for it runs the layers on the host's Python.

    Docker builds on nothing but a base: there the Bento's holds on every target.
    """
    if config.image.base == "none" and not environment.runs_without_base:
        raise BadInput(
            f"`image: {{base: none}}` cannot be deployed to {environment.target}: an image without a base holds neither"
            " a system nor a Python, and Lambda cannot start it.",
            hint="Leave `base` out for the default base image, or name one.",
        )
    if config.image.base or builder == "docker" or not environment.runs_without_base:
        return config.image.base or bento.demands.base_image, ()
    if bento.demands.base_image:
        return "none", (f"the Bento's base image {bento.demands.base_image} is not part of the image on this target",)
    return "none", ()

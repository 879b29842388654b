"""The template's variables for a config, as `deployer up` writes them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from deployer.config import DeploymentConfig
from deployer.models import Bento, Tag
from deployer.targets import Environment
from deployer.tools.bentoctl_job import Job, terraform_values

ROOT = Path(__file__).parents[1]
CONFIGS = {  # with every key of a config between them
    "reference": ROOT / "deployment_configs" / "reference.yaml",
    "http-api": ROOT / "tests" / "golden" / "http_api.yaml",
}
ACCOUNT = "123456789012"
DESCRIPTION = "digits:1 [image sha256:aaaaaaaaaaaa]"


def values_of(config: DeploymentConfig, environment: Environment, *, digest: str) -> dict[str, Any]:
    """For a Bento `digits:1` whose image has that digest in the config's own repository."""
    nowhere = Path()
    job = Job(
        folder=nowhere,
        terraform=nowhere,
        layout=nowhere,
        template=nowhere,
        bento=Bento(Tag("digits", "1"), nowhere, "3.11", "1.4.20", "service:Digits"),
        config=config,
        environment=replace(environment, region=config.spec.region),
        log=nowhere,
    )
    image = f"{ACCOUNT}.dkr.ecr.{config.spec.region}.amazonaws.com/{config.repository}:1"
    fixed = {"image_tag": image, "image_digest": digest, "description": DESCRIPTION, "architecture": "x86_64"}
    return {**terraform_values(job), **fixed}

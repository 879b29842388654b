"""A job for the real bentoctl, with moto for AWS and a stand-in for `deployer image`."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from real_bentoctl import bentoctl_python

from deployer.config import DeploymentConfig
from deployer.targets import Environment
from deployer.tools.bento_store import BentoStore
from deployer.tools.bentoctl import Bentoctl, Job
from deployer.tools.process import Processes, Runner

REGION = "eu-west-1"
STAND_IN = Path(__file__).parent / "stand_in_image.py"


@dataclass(frozen=True)
class Workbench:
    """A folder with a store, a template and a workspace; `url` is where AWS is."""

    root: Path
    url: str

    @property
    def store(self) -> Path:
        return self.root / "store"

    @property
    def seen(self) -> Path:
        """What the stand-in saw, and the files that tell it to fail."""
        folder = self.root / "seen"
        folder.mkdir(exist_ok=True)
        return folder

    def job(self, tag: str, config: DeploymentConfig) -> Job:
        template = self.root / "template"
        template.mkdir(exist_ok=True)
        for name in ("main.tf", "variables.tf"):
            (template / name).write_text(f"# {name}\n")
        keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_ENDPOINT_URL": self.url}
        return Job(
            folder=self.root / "work" / "bentoctl",
            terraform=self.root / "work" / "terraform",
            layout=self.root / "work" / "layout",
            template=template,
            bento=BentoStore(self.store).get(tag),
            config=config,
            environment=Environment("local", REGION, {**keys, "AWS_REGION": REGION, "NO_PROXY": "127.0.0.1"}),
            log=self.root / "run.log",
        )

    def bentoctl(self, *, runner: Runner | None = None) -> Bentoctl:
        return Bentoctl(
            python=bentoctl_python(),
            runner=runner or Processes(),
            variables={**os.environ, "BENTOML_HOME": str(self.store)},
            image_command=(sys.executable, str(STAND_IN), str(self.seen)),
            digest_in_ecr=lambda environment, repository, tag: self.digest(repository, tag),
        )

    def ecr(self) -> Any:
        keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        return boto3.client("ecr", region_name=REGION, endpoint_url=self.url, **keys)

    def digest(self, repository: str, tag: str) -> str | None:
        images = self.ecr().batch_get_image(repositoryName=repository, imageIds=[{"imageTag": tag}])["images"]
        return images[0]["imageId"]["imageDigest"] if images else None

"""A template in a working folder that no `up` has filled, for a state that came from elsewhere."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from deployer.config import DeploymentConfig
from deployer.files import replace_file
from deployer.models import Bento, ImagePlan, Tag
from deployer.targets import Environment
from deployer.templates import template_folder
from deployer.tools.bentoctl_job import Job, terraform_values
from deployer.tools.terraform_values import VALUES_FILE

_NOT_PART_OF_A_TEMPLATE = shutil.ignore_patterns(".terraform", "*.tfstate*", VALUES_FILE, ".git")
STAND_INS = {"image_tag": "image-of-another-folder:unknown", "image_digest": f"sha256:{'0' * 64}"}


def bring_template(
    config: DeploymentConfig,
    environment: Environment,
    folder: Path,
    *,
    bento: str = "",
    release: Mapping[str, str | bool] | None = None,
) -> None:
    """The config's template and the values of its variables, in place of what was there.

    `release` are the values that an `up` gives the variables beside the config's. With the stand-ins for them terraform
    can destroy what is there, and nothing else.
    """
    template = template_folder(config.terraform.template)
    shutil.copytree(template, folder, ignore=_NOT_PART_OF_A_TEMPLATE, dirs_exist_ok=True)
    values = {**terraform_values(_job(config, environment, folder, bento)), **(release or STAND_INS)}
    replace_file(folder / VALUES_FILE, json.dumps(values, indent=2, ensure_ascii=False) + "\n", private=True)


def _job(config: DeploymentConfig, environment: Environment, folder: Path, bento: str) -> Job:
    name, _, version = bento.partition(":")
    return Job(
        folder=folder,
        terraform=folder,
        layout=folder,
        template=folder,
        bento=Bento(Tag(name or config.name, version or "unknown"), folder, "", "", ""),
        config=config,
        environment=environment,
        log=folder,
        plan=ImagePlan(machine=config.spec.architecture or environment.architecture),
    )

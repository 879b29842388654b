"""One run of bentoctl: what it is for, and the job file through which our operator and launcher learn of it.

The job file carries the whole config, so that no value depends on what bentoctl can carry. It and its folder are
readable by their owner only, since the function's environment may hold secrets.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import deployer
from deployer.config import DeploymentConfig
from deployer.files import replace_file
from deployer.models import Bento, ImagePlan
from deployer.targets import Environment
from deployer.tools.bentoctl_answers import LONGEST_TEXT, Asked

ARCHITECTURES = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}  # machines, and Lambda's words for them
VALUES_FILE = "terraform.tfvars.json"
_NOT_FOR_BENTOCTL = ("PYTHON", "BENTOML_", "BENTOCTL_", "BENTO_")
_SITE = ("site-packages", "dist-packages")


@dataclass(frozen=True)
class Job:
    """`folder` is emptied and owned by bentoctl's tool; the others are where its results go and what it is run for."""

    folder: Path
    terraform: Path  # gets the .tf files and terraform.tfvars.json
    layout: Path  # gets the OCI image layout
    template: Path  # holds the .tf files
    bento: Bento
    config: DeploymentConfig
    environment: Environment
    log: Path
    plan: ImagePlan = field(default_factory=ImagePlan)

    @property
    def file(self) -> Path:
        return self.folder / "job.json"

    @property
    def result(self) -> Path:
        return self.folder / "result.json"

    @property
    def context(self) -> Path:
        return self.folder / "context"

    @property
    def store(self) -> Path:
        return self.folder / "bentoml"

    @property
    def registry(self) -> Path:
        return self.folder / "bentoctl"

    @property
    def scratch(self) -> Path:
        return self.folder / "tmp"

    @property
    def secrets(self) -> Path:
        """pip's settings for a build with Docker; gone with the scratch folder when the build ends."""
        return self.scratch / "secrets"

    @property
    def values_file(self) -> Path:
        return self.terraform / VALUES_FILE


# Keys of `spec` that the template has otherwise, or that only the function's runtime reads.
NOT_VARIABLES = frozenset({"region", "repository", "architecture", "tags", "event_route", "documentation"})


def terraform_values(job: Job) -> dict[str, Any]:
    """The template's variables, image_tag and image_digest left out: the build adds those."""
    spec = asdict(job.config.spec)
    tags = {**spec["tags"], "deployer:name": job.config.name, "deployer:bento": str(job.bento.tag)}
    return {
        "region": job.environment.region,
        "name": job.config.name,
        "repository_name": job.config.repository,
        **{key: value for key, value in spec.items() if key not in NOT_VARIABLES},
        "secrets": sorted(set(job.config.secrets.values())),
        "architecture": ARCHITECTURES[job.plan.machine or platform.machine()],
        "tags": tags,
        "environment": job.config.variables,
    }


def write_job(
    job: Job,
    asked: Asked,
    *,
    image_command: Sequence[str],
    bentoctl_variables: Mapping[str, str],
    own: Mapping[str, str],
) -> None:
    """Write the job file. `own` is the environment that the image commands get back in place of bentoctl's."""
    values = terraform_values(job)
    names = own.keys() | bentoctl_variables.keys()
    document = {
        "asked": asked.document(),
        "values": values,
        "repository": values["repository_name"],
        "template": str(job.template),
        "terraform": str(job.terraform),
        "context": str(job.context),
        "layout": str(job.layout),
        "secrets": str(job.secrets),
        **asdict(job.plan),
        "result": str(job.result),
        "registry_url": job.environment.registry_url,
        "image_command": list(image_command),
        "restored_variables": {name: own.get(name) for name in names if own.get(name) != bentoctl_variables.get(name)},
    }
    replace_file(job.file, json.dumps(document, indent=2), private=True)


def own_variables(job: Job, inherited: Mapping[str, str]) -> dict[str, str]:
    """The environment of our own commands below bentoctl: the target's, with deployer importable from a checkout."""
    variables = job.environment.process_variables(inherited)
    package_root = Path(deployer.__file__).parent.parent
    if package_root.name in _SITE:
        return variables
    search_path = [str(package_root), *filter(None, [variables.get("PYTHONPATH")])]
    return {**variables, "PYTHONPATH": os.pathsep.join(search_path)}


def bentoctl_variables(job: Job, own: Mapping[str, str]) -> dict[str, str]:
    """bentoctl's environment: nothing of the user's Python or BentoML settings, private folders, UTF-8, no tracking."""
    kept = {name: value for name, value in own.items() if not name.startswith(_NOT_FOR_BENTOCTL)}
    return {
        **{name: value for name, value in kept.items() if name not in ("VIRTUAL_ENV", "FORCE_COLOR", "LINES")},
        "BENTOCTL_HOME": str(job.registry),
        "BENTOML_HOME": str(job.store),
        "BENTOML_DO_NOT_TRACK": "True",
        "DEPLOYER_JOB": str(job.file),
        "TMPDIR": str(job.scratch),
        "PYTHONUTF8": "1",
        "PYTHONNOUSERSITE": "1",
        "PYTHONWARNINGS": "ignore",  # fs warns of pkg_resources at each start
        "LC_ALL": "C.UTF-8",
        "NO_COLOR": "1",
        "TERM": "dumb",
        "COLUMNS": str(5 * LONGEST_TEXT),
    }


def image_command() -> tuple[str, ...]:
    """`deployer image`, run by the interpreter that runs deployer."""
    return (sys.executable, "-m", "deployer", "image")

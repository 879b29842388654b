"""The shipped template on the real terraform, AWS provider and local AWS, without an image builder in front."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_endpoint import KEYS, LocalEndpoint

from deployer.targets import Environment
from deployer.targets.aws import AwsTarget
from deployer.templates import template_folder
from deployer.tools.aws import Aws
from deployer.tools.process import Processes
from deployer.tools.provider_mirror import find_mirror
from deployer.tools.terraform import Terraform, find_terraform

REGION = "us-east-1"
ACCOUNT = "123456789012"
REPOSITORY = "team/digits"
MEDIA_TYPE = "application/vnd.oci.image.manifest.v1+json"


@dataclass(frozen=True)
class TemplateOnLocalAws:
    """A working folder of the template and an account that is emptied by `forget`."""

    folder: Path
    account: LocalEndpoint

    @property
    def shell(self) -> dict[str, str]:
        keys = {"AWS_ACCESS_KEY_ID": KEYS.access_key_id, "AWS_SECRET_ACCESS_KEY": KEYS.secret_access_key}
        return {**os.environ, "AWS_ENDPOINT_URL": self.account.endpoint, **keys}

    @property
    def environment(self) -> Environment:
        return AwsTarget(variables=self.shell).prepare(region=REGION)

    @property
    def aws(self) -> Aws:
        return Aws(self.environment, self.shell)

    @property
    def terraform(self) -> Terraform:
        """A new one each time, as each command of the user's makes one."""
        return Terraform(
            folder=self.folder,
            binary=find_terraform(self.shell),
            variables=self.environment.process_variables(self.shell),
            runner=Processes(),
            log=self.folder / "terraform.log",
            provider_mirror=find_mirror(None, self.shell),
        )

    def client(self, service: str) -> Any:
        return self.account.aws(service)

    def forget(self) -> None:
        """What a restart of the local AWS does to everything in it."""
        self.account.forget()

    def push(self, content: str) -> str:
        """Put an image into the repository, made if need be; the manifest's digest."""
        ecr = self.client("ecr")
        if not [
            found for found in ecr.describe_repositories()["repositories"] if found["repositoryName"] == REPOSITORY
        ]:
            ecr.create_repository(repositoryName=REPOSITORY, tags=[{"Key": "deployer:name", "Value": "digits"}])
        config = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": _digest(content), "size": 1}
        manifest = json.dumps({"schemaVersion": 2, "mediaType": MEDIA_TYPE, "config": config, "layers": []})
        digest = _digest(manifest)
        if self.aws.image_digest(REPOSITORY, content) != digest:
            ecr.put_image(
                repositoryName=REPOSITORY,
                imageManifest=manifest,
                imageManifestMediaType=MEDIA_TYPE,
                imageDigest=digest,
                imageTag=content,
            )
        return digest

    def write(self, content: str = "v1", **changed: Any) -> None:
        """The template and its variables, for an image that is in the repository."""
        values = {
            "region": REGION,
            "name": "digits",
            "repository_name": REPOSITORY,
            "image_tag": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{REPOSITORY}:{content}",
            "image_digest": self.push(content),
            "timeout": 30,
            "memory_size": 512,
            "ephemeral_storage": 1024,
            "auth": "none",
            "log_retention_days": 7,
            "description": "digits",
            "tags": {"deployer:name": "digits", "deployer:bento": f"digits:{content}", "team": "ml"},
            "environment": {"GREETING": "hello"},
        }
        self.write_values({**values, **changed})

    def write_values(self, values: Mapping[str, Any]) -> None:
        """The template and these variables."""
        shutil.copytree(template_folder(), self.folder, dirs_exist_ok=True)
        (self.folder / "terraform.tfvars.json").write_text(json.dumps(values))

    def up(self) -> tuple[str, ...]:
        """Plan and apply; the addresses that changed, with what was done."""
        terraform = self.terraform
        terraform.init()
        plan = terraform.plan()
        if plan.changes:
            terraform.apply(plan)
        return tuple(sorted(f"{change.action} {change.address}" for change in plan.changes))

    def down(self) -> tuple[str, ...]:
        terraform = self.terraform
        terraform.init()
        plan = terraform.plan(destroy=True)
        terraform.apply(plan)
        return tuple(sorted(change.address for change in plan.changes))


def _digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"

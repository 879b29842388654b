"""A deployment of the kind that upstream bentoctl made, with real terraform: its folder, and the API that it gave."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployer.tools.provider_mirror import find_mirror
from deployer.tools.terraform import find_terraform
from deployer.tools.terraform_binary import child_variables

TEMPLATE = Path(__file__).parent / "upstream_bentoctl" / "main.tf"
CONFIG = (
    "api_version: v1\nname: {name}\noperator:\n  name: aws-lambda\ntemplate: terraform\nspec:\n  region: us-east-1\n"
)
LOG_POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}]}


@dataclass(frozen=True)
class UpstreamOnDisk:
    """`name` is what bentoctl called it. `variables` lead terraform to its AWS, `client` boto3."""

    folder: Path
    name: str
    variables: Mapping[str, str]
    client: Callable[[str], Any]

    @property
    def function(self) -> str:
        return f"{self.name}-function"

    @property
    def state(self) -> Path:
        return self.folder / "terraform.tfstate"

    def deploy(self, *, image_version: str, handler: str = "app.mangum_app", greeting: str = "old") -> None:
        """As `bentoctl build` and `bentoctl apply` leave the folder; the image is in the repository of that name."""
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(TEMPLATE, self.folder)
        (self.folder / "deployment_config.yaml").write_text(CONFIG.format(name=self.name))
        values = {
            "deployment_name": self.name,
            "image_repository": self.name,
            "image_version": image_version,
            "region": "us-east-1",
            "handler": handler,
            "greeting": greeting,
            "policy_arn": self._log_policy(),
        }
        lines = [f"{name} = {json.dumps(value)}\n" for name, value in values.items()]
        (self.folder / "bentoctl.tfvars").write_text("".join(lines))
        mirror = find_mirror(None, self.variables)
        self._terraform("init", "-input=false", *([f"-plugin-dir={mirror}"] if mirror else []))
        self._terraform("apply", "-auto-approve", "-var-file", "bentoctl.tfvars")

    def api(self) -> str:
        """The API's id."""
        (found,) = (api for api in self.client("apigatewayv2").get_apis()["Items"] if api["Name"] == f"{self.name}-gw")
        return str(found["ApiId"])

    def asks(self) -> str:
        """What the API asks: the function's name, and a qualifier where there is one."""
        (found,) = self.client("apigatewayv2").get_integrations(ApiId=self.api())["Items"]
        return str(found["IntegrationUri"]).partition(":function:")[2].removesuffix("/invocations")

    def _log_policy(self) -> str:
        """It stands for AWS's own AWSLambdaBasicExecutionRole, which moto leaves out."""
        iam, name = self.client("iam"), f"{self.name}-log"
        for policy in iam.list_policies(Scope="Local")["Policies"]:
            if policy["PolicyName"] == name:
                return str(policy["Arn"])
        return str(iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(LOG_POLICY))["Policy"]["Arn"])

    def _terraform(self, *arguments: str) -> None:
        subprocess.run(
            [str(find_terraform(self.variables)), *arguments, "-no-color"],
            cwd=self.folder,
            env=child_variables(self.variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=300,
        )

"""A deployment on a local AWS as `deployer up` leaves it, made with boto3 and tiny images in a second: its releases.

And a machine that has its config and nothing else of it, where commands run with `--target aws`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from laptop import Laptop
from local_aws import ACCOUNT, REGION, LocalAws, TinyImage, tiny_image

from deployer.models import Tag
from deployer.stages.release import Facts, live_description, release_description

ANSWERS = """
import json, os

ANSWER = {answer}

def handle(event, context):
    path = event.get("rawPath")
    if path == "/readyz":
        return {{"statusCode": 200, "body": ""}}
    if path != "/predict":
        return {{"statusCode": 404, "body": "no route " + str(path)}}
    print("asked for", len(json.loads(event["body"])), "rows")
    return {{"statusCode": 200, "body": json.dumps(ANSWER)}}
"""
FAILS_AT_IMPORT = "raise RuntimeError('no model here')\n"
FAILS_AT_SAMPLES = """
def handle(event, context):
    if event.get("rawPath") == "/readyz":
        return {"statusCode": 200, "body": ""}
    raise ValueError("these samples cannot be read")
"""


def answers(*predictions: float) -> str:
    """A service whose /predict answers these predictions."""
    return ANSWERS.format(answer=json.dumps(predictions))


@dataclass
class ReleasedFunction:
    """Versions are published in order; `live` and `candidate` are moved as a test wants them."""

    aws: LocalAws
    name: str
    digests: dict[str, str] = field(default_factory=dict)  # of each version's image

    @property
    def functions(self) -> Any:
        return self.aws.aws("lambda")

    def publish(self, handler: str, *, bento: str) -> str:
        """Push an image and publish it as `up` does, with the candidate on it; the version's number."""
        image = tiny_image(handler)
        uri = self._push(image, tag=bento)
        if not self.digests:
            self.aws.aws("ecr").tag_resource(
                resourceArn=f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{self.name}",
                tags=[{"Key": "deployer:name", "Value": self.name}],
            )
            self._create(uri)
        else:
            self.functions.update_function_code(FunctionName=self.name, ImageUri=uri)
        facts = Facts(Tag("digits", bento), image.digest, "0123456789abcdef" * 4, commit="1a2b3c4", author="Ann")
        published = self.functions.publish_version(FunctionName=self.name, Description=release_description(facts))
        version = str(published["Version"])
        self.digests[version] = image.digest
        self.point("candidate", version)
        return version

    def point(
        self, alias: str, version: str, *, previous: str = "", weights: Mapping[str, float] | None = None
    ) -> None:
        """Make or move an alias; `live` says which version answered before."""
        settings: dict[str, Any] = {"FunctionName": self.name, "Name": alias, "FunctionVersion": version}
        settings["RoutingConfig"] = {"AdditionalVersionWeights": dict(weights or {})}
        if alias == "live":
            settings["Description"] = live_description(previous)
        try:
            self.functions.update_alias(**settings)
        except self.functions.exceptions.ResourceNotFoundException:
            self.functions.create_alias(**settings)

    def live(self) -> tuple[str, dict[str, float], str]:
        """Version, weights and description of the alias."""
        alias = self.functions.get_alias(FunctionName=self.name, Name="live")
        weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        return alias["FunctionVersion"], weights, alias["Description"]

    def answer(self) -> Any:
        """What the users get from /predict."""
        event = {"rawPath": "/predict", "body": "[]"}
        return json.loads(self.aws.invoke(self.name, event, Qualifier="live").result["body"])

    def smoke_tests(self) -> dict[str, str]:
        """The first word of each tag, by version."""
        arn = self.functions.get_function_configuration(FunctionName=self.name)["FunctionArn"]
        tags = self.functions.list_tags(Resource=arn)["Tags"]
        found = {key.rpartition(":")[2]: value for key, value in tags.items() if "smoke-test" in key}
        return {version: value.split()[0] for version, value in found.items()}

    def versions(self) -> list[str]:
        found = self.functions.list_versions_by_function(FunctionName=self.name)["Versions"]
        return [version["Version"] for version in found if version["Version"] != "$LATEST"]

    def images(self) -> set[str]:
        found = self.aws.aws("ecr").describe_images(repositoryName=self.name)["imageDetails"]
        return {image["imageDigest"] for image in found}

    def machine(self, folder: Path, **smoke_test: Any) -> Laptop:
        """A folder with the deployment's config and a shell with credentials; nothing was deployed from there."""
        folder.mkdir(exist_ok=True)
        configs = folder / "deployment_configs"
        configs.mkdir()
        (configs / "samples.json").write_text("[[1.0], [2.0]]", encoding="utf-8")
        config = {
            "api_version": "v1",
            "name": self.name,
            "operator": {"name": "aws-lambda"},
            "template": "terraform",
            "target": "aws",
            "smoke_test": {"route": "/predict", "samples": "samples.json", "timeout": 20, **smoke_test},
        }
        (configs / f"{self.name}.yaml").write_text(json.dumps(config), encoding="utf-8")
        address = self.aws.status().address
        return Laptop(folder, {**os.environ, **address.aws_variables, "COLUMNS": "200"})

    def _push(self, image: TinyImage, *, tag: str) -> str:
        return self.aws.push(self.name, image, tag=tag)

    def _create(self, uri: str) -> None:
        self.functions.create_function(
            FunctionName=self.name,
            Role=self.aws.role(),
            PackageType="Image",
            Code={"ImageUri": uri},
            Timeout=10,
            MemorySize=256,
            Tags={"deployer:name": self.name},
        )

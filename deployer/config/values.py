"""What a deployment config says, as values. Which file says it, and whether it may, is not known here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

TargetName = Literal["local", "aws"]
Auth = Literal["iam", "none"]
InvokeMode = Literal["BUFFERED", "RESPONSE_STREAM"]
Architecture = Literal["", "x86_64", "arm64"]
BuilderName = Literal["auto", "oci", "docker"]


@dataclass(frozen=True)
class Spec:
    """What the Lambda function is like. Seconds, MB and days, within Lambda's own limits (facts sheet, section 3)."""

    region: str = "us-east-1"
    timeout: int = 60
    memory_size: int = 1769
    ephemeral_storage: int = 512
    architecture: Architecture = ""  # empty: x86_64 on AWS, this machine's own on the local target
    auth: Auth = "iam"
    invoke_mode: InvokeMode = "BUFFERED"
    event_route: str = ""  # a route of the Bento such as `/predict`, for events that are no HTTP request; empty: none
    documentation: bool = True  # whether BentoML's page and the descriptions of the API are served
    log_retention_days: int = 30
    repository: str = ""  # ECR repository name, may be nested (`team/digits`); empty: the deployment's name
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ImageOptions:
    """How the image is made. `base`: a reference, `none`, or empty: the Bento's own or the default; none on `local`."""

    builder: BuilderName = "auto"
    base: str = ""
    import_check: bool = True


@dataclass(frozen=True)
class SmokeTest:
    """What is asked of the deployment and what it must answer. `expected` is compared as JSON values."""

    route: str = ""  # a route of the Bento such as `/predict`; empty: its only one
    samples: Path | None = None
    expected: Any = None
    timeout: int = 120  # seconds, cold start included


@dataclass(frozen=True)
class TerraformOptions:
    """`template`: a folder of the user's own `.tf` files; `provider_mirror`: a filesystem mirror of providers."""

    template: Path | None = None
    provider_mirror: Path | None = None


@dataclass(frozen=True)
class DeploymentConfig:
    """One deployment. `bento` is a tag, or empty where the command line names it; `path` the file it was read from."""

    name: str
    bento: str = ""
    target: TargetName = "local"
    spec: Spec = field(default_factory=Spec)
    image: ImageOptions = field(default_factory=ImageOptions)
    env: Mapping[str, str] = field(default_factory=dict)
    smoke_test: SmokeTest = field(default_factory=SmokeTest)
    terraform: TerraformOptions = field(default_factory=TerraformOptions)
    path: Path | None = None
    notes: tuple[str, ...] = field(default=(), compare=False)  # how it was found, where the user should know

    @property
    def repository(self) -> str:
        """The ECR repository's name."""
        return self.spec.repository or self.name

    @property
    def variables(self) -> dict[str, str]:
        """The function's environment variables: the user's, and what tells its runtime of the settings."""
        return {**self.env, **runtime_variables(self.spec.event_route, documentation=self.spec.documentation)}


def runtime_variables(event_route: str, *, documentation: bool) -> dict[str, str]:
    """Settings as `deployer/runtime` reads them: none where the default holds."""
    route = {"DEPLOYER_EVENT_ROUTE": event_route} if event_route else {}
    return route if documentation else {**route, "DEPLOYER_DOCUMENTATION": "off"}

"""What a deployment config says, as values. Which file says it, and whether it may, is not known here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

TargetName = Literal["local", "aws"]
Auth = Literal["iam", "none"]
InvokeMode = Literal["BUFFERED", "RESPONSE_STREAM"]
Architecture = Literal["", "x86_64", "arm64"]
BuilderName = Literal["auto", "oci", "docker"]
EndpointKind = Literal["function_url", "http_api"]
LogFormat = Literal["Text", "JSON"]


@dataclass(frozen=True)
class Cors:
    """Which pages of other origins a browser lets call the endpoint. `max_age`: seconds that a browser remembers it."""

    allow_origins: Sequence[str] = ()
    allow_methods: Sequence[str] = ("*",)
    allow_headers: Sequence[str] = ("content-type",)  # without which no page may send JSON
    expose_headers: Sequence[str] = ()
    max_age: int = 0
    allow_credentials: bool = False


@dataclass(frozen=True)
class Vpc:
    """Where the function's network interfaces are."""

    subnet_ids: Sequence[str]
    security_group_ids: Sequence[str]
    ipv6: bool = False


@dataclass(frozen=True)
class FileSystem:
    """An EFS access point by its ARN, and the folder below /mnt where the function finds it."""

    access_point: str
    path: str


@dataclass(frozen=True)
class Destinations:
    """Who hears of asynchronous invocations, by ARN. `max_age`: seconds that an event may wait; `retries`: 0 to 2."""

    on_success: str = ""
    on_failure: str = ""
    max_age: int = 21600
    retries: int = 2


@dataclass(frozen=True)
class Spec:
    """What the Lambda function is like. Seconds, MB and days, within Lambda's own limits (docs/aws-rules.md)."""

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
    endpoint: EndpointKind = "function_url"
    stage: str = "$default"  # of an HTTP API; any other is the first part of every path
    cors: Cors | None = None
    vpc: Vpc | None = None
    file_system: FileSystem | None = None
    dead_letter: str = ""  # ARN of an SQS queue or SNS topic
    destinations: Destinations | None = None
    reserved_concurrency: int | None = None
    provisioned_concurrency: int | None = None  # on the alias `live`
    snapstart: bool = False
    tracing: bool = False  # X-Ray
    kms_key: str = ""  # ARN of the key that encrypts the function's environment
    log_format: LogFormat = "Text"
    log_level: str = ""  # of the service's own lines, with log_format JSON alone
    system_log_level: str = ""  # of Lambda's lines, likewise
    role: str = ""  # ARN of an execution role that is there already; empty: one is made
    permission_boundary: str = ""  # ARN of a policy


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
class Backend:
    """A terraform state in S3. `key` and `region` may be empty: named after the deployment, and its region."""

    bucket: str
    key: str = ""
    region: str = ""


@dataclass(frozen=True)
class TerraformOptions:
    """`template`: a folder of the user's own `.tf` files; `provider_mirror`: a filesystem mirror of providers.

    `backend`: where the state is kept; None is this disk.
    """

    template: Path | None = None
    provider_mirror: Path | None = None
    backend: Backend | None = None


@dataclass(frozen=True)
class DeploymentConfig:
    """One deployment. `bento` is a tag, or empty where the command line names it; `path` the file it was read from.

    `secrets` are references by the name of the environment variable that gets the value when the function starts:
    `ssm:/digits/password`, `secretsmanager:digits/api` or `secretsmanager:digits/api#key`. `environment` is the overlay
    that was chosen, empty for none; `account` the AWS account that it has to be, empty for any; `profile` that of the
    AWS settings to take credentials from, empty for the shell's.
    """

    name: str
    bento: str = ""
    target: TargetName = "local"
    spec: Spec = field(default_factory=Spec)
    image: ImageOptions = field(default_factory=ImageOptions)
    env: Mapping[str, str] = field(default_factory=dict)
    smoke_test: SmokeTest = field(default_factory=SmokeTest)
    terraform: TerraformOptions = field(default_factory=TerraformOptions)
    secrets: Mapping[str, str] = field(default_factory=dict)
    environment: str = ""
    account: str = ""
    profile: str = ""
    path: Path | None = None
    notes: tuple[str, ...] = field(default=(), compare=False)  # how it was found, where the user should know

    @property
    def repository(self) -> str:
        """The ECR repository's name."""
        return self.spec.repository or self.name

    @property
    def variables(self) -> dict[str, str]:
        """The function's environment variables: the user's, and what tells its runtime of the settings."""
        settings = runtime_variables(self.spec.event_route, documentation=self.spec.documentation, secrets=self.secrets)
        return {**self.env, **settings}


def runtime_variables(
    event_route: str, *, documentation: bool, secrets: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Settings as `deployer/runtime` reads them: none where the default holds. Of secrets the references alone."""
    settings = {
        "DEPLOYER_EVENT_ROUTE": event_route,
        "DEPLOYER_DOCUMENTATION": "" if documentation else "off",
        "DEPLOYER_SECRETS": json.dumps(dict(secrets), separators=(",", ":"), sort_keys=True) if secrets else "",
    }
    return {name: value for name, value in settings.items() if value}

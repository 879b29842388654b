"""What the data plane knows of a Lambda function: plain values, read from the control plane at each request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

LATEST = "$LATEST"


@dataclass(frozen=True)
class FunctionName:
    """A function of one account and region."""

    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        return f"arn:aws:lambda:{self.region}:{self.account}:function:{self.name}"

    @property
    def log_group(self) -> str:
        return f"/aws/lambda/{self.name}"


@dataclass(frozen=True)
class ImageOverrides:
    """The function's ImageConfig; an empty value leaves the image's own."""

    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    working_directory: str = ""


@dataclass(frozen=True)
class FunctionVersion:
    """One version as it is to be run. Seconds and MB. Equal values may share an execution environment."""

    function: FunctionName
    version: str
    digest: str
    timeout: int
    memory_size: int
    ephemeral_storage: int
    variables: Mapping[str, str] = field(default_factory=dict)
    overrides: ImageOverrides = field(default_factory=ImageOverrides)
    concurrency: int | None = None  # reserved concurrent executions, None: none reserved


class NoSuchFunction(Exception):
    """No function, version or alias of that name. The text is what AWS would say."""


class NoSuchRepository(Exception):
    """No ECR repository of that name."""


class TagIsImmutable(Exception):
    """The repository does not allow a tag to move to another image."""


@dataclass(frozen=True)
class Repository:
    """An ECR repository of one account and region."""

    account: str
    region: str
    name: str

    @property
    def uri(self) -> str:
        return f"{self.account}.dkr.ecr.{self.region}.amazonaws.com/{self.name}"


class ControlPlane(Protocol):
    """What the registry and the data plane ask of the control plane. `moto_aws.MotoAws` is the real one."""

    def version(self, function: FunctionName, qualifier: str) -> FunctionVersion:
        """What a version number, an alias or `$LATEST` stands for now. Raises NoSuchFunction."""
        ...

    def exists(self, function: FunctionName) -> bool: ...

    def statements(self, function: FunctionName) -> Sequence[Mapping[str, object]]:
        """The statements of the function's resource policy, of every qualifier."""
        ...

    def put_image(self, repository: Repository, *, manifest: bytes, media_type: str, tag: str | None) -> str:
        """Make a manifest known to ECR under its own digest, which is returned. NoSuchRepository, TagIsImmutable."""
        ...

    def image_digest(self, repository: Repository, reference: str) -> str | None:
        """The digest of the image with that tag or digest. Raises NoSuchRepository."""
        ...

    def write_logs(self, function: FunctionName, stream: str, events: Sequence[tuple[int, str]]) -> None:
        """Append (milliseconds, line) to a log stream of the function's group; nothing for a deleted function."""
        ...

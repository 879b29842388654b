"""What the data plane knows of a Lambda function: plain values, read from the control plane at each request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

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
    role: str = ""  # the execution role's ARN
    log_format: str = "Text"  # of Lambda's own lines: Text or JSON


@dataclass(frozen=True)
class Alias:
    """A name for a version. `weights` are the shares, 0 to 1, of its invocations that other versions take."""

    name: str
    version: str
    weights: Mapping[str, float] = field(default_factory=dict)
    revision: str = ""


class NoSuchFunction(Exception):
    """No function, version or alias of that name. The text is what AWS would say."""

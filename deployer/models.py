"""The frozen values that flow between stages. No behaviour beyond spelling themselves, no imports of ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, order=True)
class Tag:
    """A BentoML tag, of a Bento or of a model: `name:version`."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name}:{self.version}"


@dataclass(frozen=True)
class Route:
    """One API of a service. The schemas are JSON Schemas as the Bento states them, None where it states none.

    `path` begins with the service's path prefix. `is_task`: it has a task queue beside it (BentoML 1.3 on).
    """

    name: str
    path: str
    input_schema: Mapping[str, Any] | None = None
    output_schema: Mapping[str, Any] | None = None
    is_task: bool = False


@dataclass(frozen=True)
class Model:
    """A model of the BentoML store and the folder that holds its files."""

    tag: Tag
    path: Path


@dataclass(frozen=True)
class Demands:
    """What a Bento asks of its image beside Python packages.

    `docker` says in words what only a build with Docker can do, `notes` what is done otherwise than the Bento says.
    `base_image` is the user's own choice, empty where BentoML's default was left. With `own_dockerfile` (conda, or a
    template of the user's) the image is built on the Bento's own Dockerfile.
    """

    base_image: str = ""
    apt: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()  # shell commands before the Python packages are installed
    post_commands: tuple[str, ...] = ()  # and after them
    setup_script: bool = False
    own_dockerfile: bool = False
    docker: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bento:
    """A Bento as the store holds it. `python_version` is a minor version such as `3.11`.

    `environment` are the variables that it gives its service, those with a value; `unset` the names of the others.
    `pip_options` are lines as a requirements file has them, that apply to its own; relative paths in both are
    relative to `requirements_home`.
    """

    tag: Tag
    path: Path
    python_version: str
    bentoml_version: str
    service: str
    models: tuple[Model, ...] = ()
    routes: tuple[Route, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    unset: tuple[str, ...] = ()
    pip_options: tuple[str, ...] = ()
    requirements_home: Path = Path()
    demands: Demands = field(default_factory=Demands)


@dataclass(frozen=True)
class ImagePlan:
    """How an image is made: `builder` is `oci` (without Docker) or `docker`.

    `base` is an image reference, `none`, or empty: the default one. `machine` is `x86_64` or `aarch64`, or empty for
    this host's. With `import_check` the service is imported once before the image is pushed.
    """

    builder: str = "oci"
    base: str = "none"
    machine: str = ""
    import_check: bool = True


@dataclass(frozen=True)
class Layer:
    """One layer of an image: its digest is of the compressed blob, `size` is that blob's bytes."""

    title: str
    digest: str
    size: int


@dataclass(frozen=True)
class Image:
    """A pushed image. `repository` is the ECR repository URI on every target, without scheme, tag or digest."""

    repository: str
    tag: str
    digest: str
    reused: bool
    layers: tuple[Layer, ...] = ()

    @property
    def uri(self) -> str:
        return f"{self.repository}:{self.tag}"


@dataclass(frozen=True)
class Change:
    """One line of a terraform plan: `create`, `update`, `replace` or `delete` of a resource address."""

    address: str
    action: str


@dataclass(frozen=True)
class Plan:
    """A saved terraform plan: what is applied is the file at `path`, never a fresh plan."""

    path: Path
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Outputs:
    """What terraform says it made; `version` is the newest published number.

    Endpoints are base URLs that end in `/`. `endpoint` is empty until a first version is released;
    `candidate_endpoint` where the template makes no candidate.
    """

    endpoint: str
    function_name: str
    image_tag: str
    version: str
    candidate_endpoint: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SmokeCheck:
    """One thing that was asked of the deployment. `detail` is for people: what came, or why it is wrong."""

    name: str
    passed: bool
    detail: str
    milliseconds: float | None = None


@dataclass(frozen=True)
class SmokeReport:
    """The smoke test's checks in the order they ran; `response` is the parsed answer to the samples.

    `url` is the whole address that was asked; `function_log` holds the function's last lines when it is unhealthy.
    """

    url: str
    checks: tuple[SmokeCheck, ...]
    sampled: bool
    response: Any = None
    function_log: tuple[str, ...] = ()

    @property
    def healthy(self) -> bool:
        return all(check.passed for check in self.checks)

    @property
    def failures(self) -> str:
        """The checks that failed and why, in one line; empty where none did."""
        return "; ".join(f"{check.name}: {check.detail}" for check in self.checks if not check.passed)


@dataclass(frozen=True)
class Invoked:
    """What came of an invocation without HTTP. `answer` is JSON as parsed, or text where the function answered none.

    Where the function failed, `error_type` is what it raised and there is no answer. `log` are lines of its log.
    """

    function_name: str
    version: str
    answer: Any = None
    error_type: str = ""
    error_message: str = ""
    log: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        return bool(self.error_type)

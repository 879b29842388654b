"""What the registry and the data plane ask of the control plane: moto in the daemon, a fake in tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from deployer.local.ecr import Repository
from deployer.local.functions import Alias, FunctionName, FunctionVersion


class ControlPlane(Protocol):
    """`moto_aws.MotoAws` is the real one; both are held to `tests/contract/test_local_control_plane.py`."""

    def version(self, function: FunctionName, qualifier: str) -> FunctionVersion:
        """What a version number, an alias or `$LATEST` stands for now. Raises NoSuchFunction."""
        ...

    def aliases(self, function: FunctionName) -> Mapping[str, Alias]:
        """The function's aliases by name. Raises NoSuchFunction."""
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

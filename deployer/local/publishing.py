"""Publishing a version: whoever asks for it, SnapStart's conditions hold first, then moto's record gets the version.

They are those of Lambda's developer guide, "Improving startup performance with Lambda SnapStart" and "Runtime hooks for
custom runtimes" (container images: the label, or hooks of the image's own, which nobody here can see).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from deployer.local.functions import LATEST, FunctionName
from deployer.local.moto_aws import MotoAws
from deployer.local.refusal import Refused

LABEL, ALLOW = "com.amazonaws.lambda.feature.snapstart", "Allow"
SNAPSHOT_STORAGE = 512  # MB of /tmp

Labels = Callable[[str], Mapping[str, str]]


class Publishing:
    """`labels` are those of the image with a digest."""

    def __init__(self, aws: MotoAws, labels: Labels) -> None:
        self._aws, self._labels = aws, labels

    def require(self, configuration: Mapping[str, Any], *, digest: str) -> None:
        """Raises Refused where a version of these settings, as CreateFunction takes them, cannot be published."""
        if (configuration.get("SnapStart") or {}).get("ApplyOn", "None") == "None":
            return
        if (configuration.get("EphemeralStorage") or {}).get("Size", SNAPSHOT_STORAGE) > SNAPSHOT_STORAGE:
            raise Refused(f"SnapStart does not support an ephemeral storage of more than {SNAPSHOT_STORAGE} MB.")
        if configuration.get("FileSystemConfigs"):
            raise Refused("SnapStart does not support functions with an Amazon EFS file system.")
        if self._labels(digest).get(LABEL) != ALLOW:
            raise Refused(
                f'SnapStart of this image needs LABEL {LABEL}="{ALLOW}", or the restore hooks of its runtime.'
            )

    def publish(self, function: FunctionName, description: str = "") -> Mapping[str, Any]:
        """The configuration of the version that `$LATEST` is published as. Raises NoSuchFunction and Refused."""
        with self._aws.lock:
            latest = self._aws.configuration(function, LATEST)
            self.require(latest, digest=f"sha256:{latest['CodeSha256']}")
            return self._aws.publish(function, description)

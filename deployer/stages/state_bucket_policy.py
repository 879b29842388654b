"""What `deployer state bucket` may do: make the bucket of the states, which is done once and with rights of its own."""

from __future__ import annotations

from deployer.config import DeploymentConfig
from deployer.errors import BadInput
from deployer.policies import Statement
from deployer.stages.resource_names import ResourceNames

SETTINGS = ("BucketPolicy", "BucketPublicAccessBlock", "BucketTagging", "BucketVersioning", "EncryptionConfiguration")


def state_bucket_policy(config: DeploymentConfig) -> tuple[Statement, ...]:
    """Raises BadInput for a config that names no bucket."""
    backend = config.terraform.backend
    if backend is None:
        raise BadInput(
            f"The config of {config.name} names no bucket: its state is kept on this disk.",
            hint="Name one in terraform.backend.bucket.",
        )
    set_and_read = (f"s3:{verb}{setting}" for setting in SETTINGS for verb in ("Get", "Put"))
    why = "Makes the bucket of terraform.backend, or brings it to what a state needs; its objects are not touched."
    calls = ("s3:CreateBucket", "s3:ListBucket", *set_and_read)
    bucket = ResourceNames(config, account="*").bucket(backend)
    return (Statement("MakeStateBucket", calls, (bucket,), why),)

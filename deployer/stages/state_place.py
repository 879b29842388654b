"""Where a deployment's terraform state is kept: brought to where the config says, and taken away at the end."""

from __future__ import annotations

from collections.abc import Callable

from deployer.config import DeploymentConfig
from deployer.errors import DeployerError
from deployer.tools.aws_state_bucket import StateBucket
from deployer.tools.terraform import Terraform
from deployer.tools.terraform_backend import StatePlace

BucketOf = Callable[[StatePlace], StateBucket]
Say = Callable[[str], None]


def settle_state(
    terraform: Terraform, wanted: StatePlace, *, function: str = "", bucket_of: BucketOf, note: Say
) -> None:
    """Before `up` believes the state: it is moved where the config has come to name another place.

    The state of another function than `function` (empty: any is right) is left where it is. Raises DeployerError where
    the bucket is missing, where a terraform is at work on the state, and where the other place holds the state of
    something else.
    """
    if terraform.keeps_own_place():
        return
    if wanted.kind == "s3":
        refuse_missing_bucket(wanted, bucket_of(wanted))
    source = terraform.place()
    if source == wanted:
        return
    if another := _another_function(terraform, function):
        terraform.forget_place()
        note(f"The terraform state {source} is that of the function {another}: it is left there")
        return
    refuse_locked(terraform)
    terraform.move_state()
    note(f"The terraform state is moved from {source} to {wanted}: {len(terraform.resources())} resources")
    if source.kind == "s3" and bucket_of(source).forget(source.key):
        note(f"{source} is deleted: a state that is left behind would be believed by another folder")


def refuse_missing_bucket(place: StatePlace, bucket: StateBucket) -> None:
    """Raises DeployerError, with the command that makes it."""
    if not bucket.exists():
        raise DeployerError(
            f"The bucket {place.bucket} of terraform.backend is not there.",
            hint="Run `deployer state bucket`: it makes one with versions, encryption and no public access."
            " Or correct the name.",
        )


def refuse_another_state(config: DeploymentConfig, terraform: Terraform) -> None:
    """Raises DeployerError for a state elsewhere of another function, which terraform would replace or destroy.

    The folder forgets that place, so that a corrected key is believed.
    """
    place = terraform.place()
    another = _another_function(terraform, only_function(config)) if place.is_remote else ""
    if another:
        terraform.forget_place()
        raise DeployerError(
            f"The terraform state {place} is that of the function {another}, and this deployment's is {config.name}."
            " Nothing was changed.",
            hint="Every deployment and every environment needs a terraform.backend.key of its own; without that key it"
            " is named after them. To rename a deployment, run `deployer down` under its old name first.",
        )


def only_function(config: DeploymentConfig) -> str:
    """The function that a state of the config holds, empty for any: those of a user's own template are named anyhow.

    Whether there is such a template is not known of a config whose file is lost.
    """
    return config.name if config.path is not None and config.terraform.template is None else ""


def _another_function(terraform: Terraform, function: str) -> str:
    """The functions of a state that knows some, and not this one; empty for any other."""
    found = terraform.functions() if function else ()
    return "" if function in found else " and ".join(found)


def refuse_locked(terraform: Terraform) -> None:
    """Raises DeployerError naming who holds the lock of the state, wherever it is kept."""
    lock = terraform.lock()
    if lock is not None:
        raise DeployerError(
            f"The terraform state ({terraform.place()}) is locked by {lock}.",
            hint="Wait until that has ended, then run the same command again. Where its owner is dead,"
            " `deployer force-unlock` takes the lock away.",
        )


def forget_state(terraform: Terraform, *, bucket_of: BucketOf) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """After a destruction: what is removed of the state in S3, and what of it the bucket keeps, a line each.

    A state that still holds resources stays, and so does one in a backend of the template's own.
    """
    place = terraform.place()
    if place.kind != "s3" or terraform.keeps_own_place():
        return (), ()
    bucket = bucket_of(place)
    if terraform.resources():
        return (), (f"terraform state {place}",)
    if not bucket.forget(place.key):
        return (), ()
    return (f"terraform state {place}",), (f"earlier versions of {place}, where its bucket keeps versions",)

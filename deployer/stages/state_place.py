"""Where a deployment's terraform state is kept: brought to where the config says, and taken away at the end."""

from __future__ import annotations

from collections.abc import Callable

from deployer.errors import DeployerError
from deployer.tools.aws_state_bucket import StateBucket
from deployer.tools.terraform import Terraform
from deployer.tools.terraform_backend import StatePlace

BucketOf = Callable[[StatePlace], StateBucket]
Say = Callable[[str], None]


def settle_state(terraform: Terraform, wanted: StatePlace, *, bucket_of: BucketOf, note: Say) -> None:
    """Before `up` believes the state: it is moved where the config has come to name another place.

    Raises DeployerError where the bucket is missing, where a terraform is at work on the state, and where the other
    place holds the state of something else.
    """
    if terraform.keeps_own_place():
        return
    if wanted.kind == "s3":
        refuse_missing_bucket(wanted, bucket_of(wanted))
    source = terraform.place()
    if source == wanted:
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

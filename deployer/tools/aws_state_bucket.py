"""The S3 bucket of terraform states: made as a state needs it, and what terraform does not say of its objects.

Every request names the account that the bucket has to be of: a name may be anybody's ("Verifying bucket ownership with
bucket owner condition" of S3's user guide).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from deployer.errors import DeployerError
from deployer.tools.aws_errors import code, is_denied
from deployer.tools.aws_partition import partition_of
from deployer.tools.state_lock import StateLock, lock_of

LOCK = ".tflock"  # what terraform's native lock adds to the key of the state
TLS_ONLY = "DeployerTlsOnly"
TAGS = {"deployer:purpose": "terraform-state"}

_NOT_THERE = frozenset({"404", "NoSuchKey", "NotFound"})
_NO_BUCKET = frozenset({"404", "NoSuchBucket", "NotFound"})
_ANOTHERS = frozenset({"403", "BucketAlreadyExists", "301", "PermanentRedirect"})
_PUBLIC = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


class StateBucket:
    """One bucket by its name. `account` is that of the credentials in use; every method raises DeployerError.

    Where S3 is spoken to over plain HTTP (`tls` is False, the local AWS) the rule that refuses that is left out.
    """

    def __init__(
        self, client: Any, bucket: str, *, account: str, explained: Callable[[str], Any], tls: bool = True
    ) -> None:
        self._s3, self._bucket, self._account, self._explained, self._tls = client, bucket, account, explained, tls
        self._named = {"Bucket": bucket, "ExpectedBucketOwner": account}

    def exists(self) -> bool:
        """Whether it is there. Raises DeployerError for one of another account, or that is not to be looked at."""
        with self._explained(f"Looking for the bucket {self._bucket}"):
            try:
                self._s3.head_bucket(**self._named)
            except ClientError as error:
                if code(error) in _NO_BUCKET:
                    return False
                if code(error) in _ANOTHERS or is_denied(error):
                    raise self._anothers() from error
                raise
        return True

    def make(self, region: str) -> tuple[str, ...]:
        """Make it, or bring it to what a state needs; what was done, a line each, empty where nothing had to be."""
        done = [] if self.exists() else [self._create(region)]
        with self._explained(f"Preparing the bucket {self._bucket}"):
            return (*done, *self._brought_up(region))

    def lock(self, key: str) -> StateLock | None:
        """Who holds the lock of the state at that key. Whether that one is alive nobody can say."""
        with self._explained(f"Looking at the lock of s3://{self._bucket}/{key}"):
            try:
                noted = self._s3.get_object(Key=key + LOCK, **self._named)["Body"].read()
            except ClientError as error:
                if code(error) in _NOT_THERE | _NO_BUCKET:
                    return None
                raise
        return lock_of(noted.decode("utf-8", "replace"), held=True)

    def forget(self, key: str) -> bool:
        """Delete the state at that key, and its lock; whether there was one. Earlier versions of it stay."""
        with self._explained(f"Deleting s3://{self._bucket}/{key}"):
            try:
                self._s3.head_object(Key=key, **self._named)
            except ClientError as error:
                if code(error) in _NOT_THERE | _NO_BUCKET:
                    return False
                raise
            for each in (key, key + LOCK):
                self._s3.delete_object(Key=each, **self._named)
        return True

    def _create(self, region: str) -> str:
        """us-east-1 alone must not be named as the place ("CreateBucket" of S3's API reference)."""
        place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        with self._explained(f"Making the bucket {self._bucket}"):
            try:
                self._s3.create_bucket(Bucket=self._bucket, **place)
            except ClientError as error:
                if code(error) in _ANOTHERS:
                    raise self._anothers() from error
                raise
        return f"bucket {self._bucket} made in {region}"

    def _brought_up(self, region: str) -> Iterator[str]:
        """What is set otherwise is set; what is there beside it stays."""
        if self._missing("get_public_access_block", lambda found: found["PublicAccessBlockConfiguration"], _blocked):
            blocked = dict.fromkeys(_PUBLIC, True)
            self._s3.put_public_access_block(PublicAccessBlockConfiguration=blocked, **self._named)
            yield "public access blocked"
        if self._s3.get_bucket_versioning(**self._named).get("Status") != "Enabled":
            self._s3.put_bucket_versioning(VersioningConfiguration={"Status": "Enabled"}, **self._named)
            yield "versions kept"
        if self._missing("get_bucket_encryption", lambda found: found["ServerSideEncryptionConfiguration"], bool):
            rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
            self._s3.put_bucket_encryption(ServerSideEncryptionConfiguration=rules, **self._named)
            yield "encrypted (AES256)"
        if self._tls:
            yield from self._refuse_clear_text(tls_only(self._bucket, region))
        yield from self._tag()

    def _refuse_clear_text(self, refused: Mapping[str, Any]) -> Iterator[str]:
        """Without TLS nobody may do anything: one statement beside those of the bucket's policy."""
        found = self._settings("get_bucket_policy", lambda found: json.loads(found["Policy"]))
        policy = found or {"Version": "2012-10-17", "Statement": []}
        there = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
        if refused not in there:
            others = [one for one in there if one.get("Sid") != TLS_ONLY]
            wanted = {**policy, "Statement": [*others, refused]}
            self._s3.put_bucket_policy(Policy=json.dumps(wanted), **self._named)
            yield "requests without TLS refused"

    def _tag(self) -> Iterator[str]:
        found = self._settings("get_bucket_tagging", lambda found: found["TagSet"]) or []
        tags = {tag["Key"]: tag["Value"] for tag in found}
        if not TAGS.items() <= tags.items():
            tagging = [{"Key": key, "Value": value} for key, value in {**tags, **TAGS}.items()]
            self._s3.put_bucket_tagging(Tagging={"TagSet": tagging}, **self._named)
            yield "tagged"

    def _missing(self, ask: str, read: Callable[[Any], Any], is_good: Callable[[Any], bool]) -> bool:
        found = self._settings(ask, read)
        return found is None or not is_good(found)

    def _settings(self, ask: str, read: Callable[[Any], Any]) -> Any:
        """None where the bucket has none: S3 answers that with an error of a code of its own for each kind."""
        try:
            return read(getattr(self._s3, ask)(**self._named))
        except ClientError as error:
            if code(error).startswith("NoSuch") or code(error).endswith("NotFoundError"):
                return None
            raise

    def _anothers(self) -> DeployerError:
        return DeployerError(
            f"The bucket {self._bucket} is of another account, or these credentials may not use it;"
            f" they are of account {self._account}.",
            hint="Name another one in terraform.backend.bucket (names are shared by all accounts), or use the"
            " credentials of its account.",
        )


def tls_only(bucket: str, region: str) -> Mapping[str, Any]:
    """The statement that refuses requests over plain HTTP ("s3-bucket-ssl-requests-only" of AWS Config's rules)."""
    arn = f"arn:{partition_of(region).name}:s3:::{bucket}"
    return {
        "Sid": TLS_ONLY,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def _blocked(settings: Mapping[str, bool]) -> bool:
    return all(settings.get(name) for name in _PUBLIC)

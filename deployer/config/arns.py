"""Whether what a config names by its ARN is where its function is: AWS tells it late, or to nobody. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from deployer.config.problem import Problem

# Keys below spec, and of which services Lambda takes an ARN of its own region alone. The sources are Lambda's developer
# guide and API reference on KMSKeyArn, file systems, dead-letter queues and destinations.
REGIONAL = (
    (("kms_key",), ("kms",)),
    (("file_system", "access_point"), ("elasticfilesystem",)),
    (("dead_letter",), ("sqs", "sns")),
    (("destinations", "on_success"), ("sqs", "lambda")),
    (("destinations", "on_failure"), ("sqs", "lambda")),
)
OF_THE_ACCOUNT = ("role", "permission_boundary")  # a file system may be another account's
INSTEAD = "Name one there, or leave it out; in an environment, null takes it away."


def misplaced(spec: Mapping[str, Any], *, region: str, account: str, broken: set[str]) -> Iterator[Problem]:
    """What is in another region, or in another account where that is known (not empty).

    `broken` are keys that are wrong by themselves, such as `spec.region`.
    """
    if "spec.region" not in broken:
        yield from _of_another_region(spec, region, broken)
    for key in OF_THE_ACCOUNT if account and "account" not in broken else ():
        arn = "" if f"spec.{key}" in broken else spec.get(key, "")
        whose = arn.split(":")[4] if arn else account
        if whose not in (account, "aws"):
            told = f"it is of account {whose}, and `account` says {account}: IAM takes it of that account alone."
            yield Problem(("spec", key), f"{told} {INSTEAD}")


def _of_another_region(spec: Mapping[str, Any], region: str, broken: set[str]) -> Iterator[Problem]:
    for keys, services in REGIONAL:
        found: Any = None if f"spec.{keys[0]}" in broken else spec
        for key in keys:
            found = found.get(key) if found else None
        service, where = found.split(":")[2:4] if found else ("", region)
        if service in services and where != region:
            told = f"it is in {where}, and spec.region is {region}, where Lambda wants it."
            yield Problem(("spec", *keys), f"{told} {INSTEAD}")

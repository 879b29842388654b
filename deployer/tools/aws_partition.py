"""Which part of AWS a region is in, as botocore's own data has it: how ARNs begin there, and how its names end.

No AWS calls here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from botocore.loaders import create_loader

_SUFFIX = "amazonaws.com"


@dataclass(frozen=True)
class Partition:
    """`name` is the second part of an ARN; `dns_suffix` what the names of its services end with."""

    name: str = "aws"
    dns_suffix: str = _SUFFIX

    def via(self, service: str, region: str) -> list[str]:
        """What kms:ViaService may be for a request that came through a service of that region.

        KMS's documents name `amazonaws.com` alone, and services in China are known by either suffix
        (terraform-aws-eks issue 3155): both stand for the same service.
        """
        return [f"{service}.{region}.{suffix}" for suffix in dict.fromkeys((self.dns_suffix, _SUFFIX))]


def partition_of(region: str) -> Partition:
    """By how the region's name is made; AWS's first partition for a name that is none of the others'."""
    found = create_loader().load_data("partitions")["partitions"]
    named = (one for one in found if re.search(one["regionRegex"], region))
    return next((Partition(one["id"], one["outputs"]["dnsSuffix"]) for one in named), Partition())

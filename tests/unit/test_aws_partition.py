"""Regions and the partitions that they are in."""

from __future__ import annotations

import pytest

from deployer.tools.aws_partition import Partition, partition_of


@pytest.mark.parametrize(
    ("region", "name", "suffix"),
    [
        ("us-east-1", "aws", "amazonaws.com"),
        ("mx-central-1", "aws", "amazonaws.com"),
        ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
        ("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
        ("eusc-de-east-1", "aws-eusc", "amazonaws.eu"),
        ("us-iso-east-1", "aws-iso", "c2s.ic.gov"),
        ("us-isob-east-1", "aws-iso-b", "sc2s.sgov.gov"),
        ("zz-new-1", "aws", "amazonaws.com"),
        ("", "aws", "amazonaws.com"),
    ],
)
def test_a_region_has_its_partition(region: str, name: str, suffix: str) -> None:
    """ARNs begin with it and names of services end with its suffix; a region of tomorrow is taken for AWS's first."""
    assert Partition(name, suffix) == partition_of(region)


def test_a_request_through_a_service_may_have_either_suffix() -> None:
    """One where the partition has no suffix of its own."""
    assert ["ssm.us-east-1.amazonaws.com"] == partition_of("us-east-1").via("ssm", "us-east-1")
    both = ["ssm.cn-north-1.amazonaws.com.cn", "ssm.cn-north-1.amazonaws.com"]
    assert both == partition_of("cn-north-1").via("ssm", "cn-north-1")

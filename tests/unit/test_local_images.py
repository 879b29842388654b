"""Images of ECR on the local AWS are listed and deleted by ECR's rules, and what is deleted cannot be pulled."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from botocore.exceptions import ClientError
from local_aws import ACCOUNT, HOST, ask
from local_endpoint import LocalEndpoint

LOGIN = {"Authorization": f"Basic {b64encode(f'AWS:{ACCOUNT}-auth-token'.encode()).decode()}"}


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEndpoint]:
    made = LocalEndpoint(tmp_path_factory.mktemp("blobs"))
    yield made
    made.close()


def digest_in(uri: str) -> str:
    return uri.partition("@")[2]


def listed(ecr: Any, operation: str, repository: str, **asked: Any) -> list[dict[str, Any]]:
    pages = ecr.get_paginator(operation).paginate(repositoryName=repository, **asked)
    part = {"describe_images": "imageDetails", "list_images": "imageIds"}[operation]
    return [image for page in pages for image in page[part]]


def test_an_image_is_deleted_by_its_digest_with_and_without_a_tag(aws: LocalEndpoint) -> None:
    """The answer names each that is gone, an unknown one is a failure, and the registry has neither any more."""
    tagged, bare = (digest_in(aws.image("pruned", text, tag=tag)) for text, tag in (("a", "v1"), ("b", None)))
    kept, ecr = digest_in(aws.image("pruned", "c")), aws.aws("ecr")
    unknown = f"sha256:{'0' * 64}"
    digests = [{"imageDigest": digest} for digest in (tagged, bare, unknown)]
    answer = ecr.batch_delete_image(repositoryName="pruned", imageIds=digests)
    assert {tagged, bare} == {one["imageDigest"] for one in answer["imageIds"]}
    assert [(unknown, "ImageNotFound")] == [
        (one["imageId"]["imageDigest"], one["failureCode"]) for one in answer["failures"]
    ]
    assert [kept] == [image["imageDigest"] for image in listed(ecr, "describe_images", "pruned")]
    for reference, status in ((tagged, 404), ("v1", 404), (bare, 404), (kept, 200)):
        ask("GET", f"{aws.gateway}/v2/{HOST}/pruned/manifests/{reference}", headers=LOGIN, status=status)


def test_a_version_stays_when_its_image_is_deleted(aws: LocalEndpoint) -> None:
    """It says which image it had; a function cannot be given that image any more."""
    functions = aws.function("orphaned")
    uri = functions.get_function(FunctionName="orphaned")["Code"]["ImageUri"]
    aws.aws("ecr").batch_delete_image(repositoryName="orphaned", imageIds=[{"imageDigest": digest_in(uri)}])
    functions.update_function_configuration(FunctionName="orphaned", Timeout=9)
    assert functions.publish_version(FunctionName="orphaned")["Version"] == "2"
    for version in ("1", "2"):
        described = functions.get_function(FunctionName="orphaned", Qualifier=version)
        assert (uri, digest_in(uri)) == (
            described["Code"]["ImageUri"],
            f"sha256:{described['Configuration']['CodeSha256']}",
        )
    with pytest.raises(ClientError, match="does not exist"):
        functions.update_function_code(FunctionName="orphaned", ImageUri=uri)


def test_images_are_listed_in_pages(aws: LocalEndpoint) -> None:
    """Every image once, with its size and when it was pushed, also when one is deleted between two pages."""
    digests = {digest_in(aws.image("many", f"image {number:02}", tag=f"v{number}")) for number in range(7)}
    bare, ecr = digest_in(aws.image("many", "without a tag")), aws.aws("ecr")
    small = {"PaginationConfig": {"PageSize": 3}}
    found = {image["imageDigest"]: image for image in listed(ecr, "describe_images", "many", **small)}
    assert ({*digests, bare}, 8) == (set(found), len(listed(ecr, "list_images", "many", **small)))
    image = found[bare]
    assert 2 * len("without a tag") == image["imageSizeInBytes"] and "imageTags" not in image
    assert abs(image["imagePushedAt"] - datetime.now(timezone.utc)) < timedelta(minutes=5)
    for operation in ("describe_images", "list_images"):
        assert [bare] == [
            one["imageDigest"] for one in listed(ecr, operation, "many", filter={"tagStatus": "UNTAGGED"})
        ]
    first = ecr.describe_images(repositoryName="many", maxResults=2)
    ecr.batch_delete_image(
        repositoryName="many", imageIds=[{"imageDigest": one["imageDigest"]} for one in first["imageDetails"]]
    )
    rest = ecr.describe_images(repositoryName="many", nextToken=first["nextToken"])["imageDetails"]
    seen = [one["imageDigest"] for one in (*first["imageDetails"], *rest)]
    assert {*digests, bare} == set(seen) and len(seen) == 8


@pytest.mark.parametrize(
    ("operation", "asked"),
    [
        ("batch_delete_image", {"imageIds": [{"imageTag": f"v{number}"} for number in range(101)]}),
        ("describe_images", {"imageIds": [{"imageTag": "v1"}], "maxResults": 5}),
        ("list_images", {"maxResults": 1001}),
    ],
    ids=["too many at once", "a page of named images", "too long a page"],
)
def test_what_ecr_refuses_is_refused(aws: LocalEndpoint, operation: str, asked: dict[str, Any]) -> None:
    """The limits of its API reference, of which boto3 knows nothing."""
    aws.image("limited", operation)
    with pytest.raises(ClientError) as caught:
        getattr(aws.aws("ecr"), operation)(repositoryName="limited", **asked)
    assert caught.value.response["Error"]["Code"] == "InvalidParameterException"


def test_an_image_or_repository_that_is_not_there_is_said(aws: LocalEndpoint) -> None:
    """Under the names by which ECR's clients know it."""
    ecr = aws.aws("ecr")
    aws.image("there", "a")
    with pytest.raises(ecr.exceptions.ImageNotFoundException):
        ecr.describe_images(repositoryName="there", imageIds=[{"imageDigest": f"sha256:{'0' * 64}"}])
    with pytest.raises(ecr.exceptions.RepositoryNotFoundException):
        ecr.describe_images(repositoryName="nowhere")

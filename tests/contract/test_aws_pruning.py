"""What `prune` asks of AWS, on a real moto server: images of a repository, and versions of a function."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
import urllib3
from moto_server import moto_server

from deployer.errors import DeployerError
from deployer.targets import Environment
from deployer.tools.aws import Aws

REGION = "eu-west-1"
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with moto_server() as url:
        yield url


@pytest.fixture
def variables(server: str) -> dict[str, str]:
    """A shell with credentials for the server, whose account is empty."""
    urllib3.request("POST", f"{server}/moto-api/reset")
    return {"AWS_ENDPOINT_URL": server, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}


@pytest.fixture
def aws(variables: dict[str, str]) -> Aws:
    return Aws(Environment("aws", REGION), variables)


def client(service: str, variables: dict[str, str]) -> Any:
    return boto3.client(
        service,
        region_name=REGION,
        endpoint_url=variables["AWS_ENDPOINT_URL"],
        aws_access_key_id="key",
        aws_secret_access_key="secret",  # noqa: S106
    )


def push(ecr: Any, number: int, *tags: str) -> str:
    """An image of its own for each number; its digest."""
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": f"sha256:{number:064}", "size": 1}
    kind = "application/vnd.oci.image.manifest.v1+json"
    manifest = json.dumps({"schemaVersion": 2, "mediaType": kind, "config": config, "layers": []})
    digest = f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"
    for tag in tags:
        ecr.put_image(repositoryName="digits", imageManifest=manifest, imageDigest=digest, imageTag=tag)
    return digest


def test_more_images_than_a_page_and_a_request_hold_are_listed_and_deleted(aws: Aws, variables: dict[str, str]) -> None:
    """Pages are of a hundred, and so is what one request deletes; other images stay, and deleting is repeatable."""
    ecr, images = client("ecr", variables), aws.images("digits")
    ecr.create_repository(repositoryName="digits")
    digests = [push(ecr, number, f"v{number}") for number in range(205)]
    assert set(digests) == {image.digest for image in images.all()}
    images.delete(digests[5:])
    assert sorted(digests[:5]) == sorted(image.digest for image in images.all())
    images.delete(digests[4:])
    assert [True, False] == [images.has(digests[0]), images.has(digests[4])]


def test_an_image_with_several_tags_is_one_image(aws: Aws, variables: dict[str, str]) -> None:
    """It goes with all of them."""
    ecr, images = client("ecr", variables), aws.images("digits")
    ecr.create_repository(repositoryName="digits")
    digest = push(ecr, 1, "v1", "latest")
    (found,) = images.all()
    assert (digest, ["latest", "v1"]) == (found.digest, sorted(found.tags))
    assert "20" == found.pushed[:2]
    assert (20, "Z") == (len(found.pushed), found.pushed[-1])
    images.delete([digest])
    assert () == images.all()


def test_a_repository_that_is_not_there_holds_nothing(aws: Aws) -> None:
    """And belongs to nobody."""
    images = aws.images("missing")
    assert ((), False, None) == (images.all(), images.has("sha256:" + "0" * 64), images.owner())


@pytest.mark.parametrize(("tags", "owner"), [({"deployer:name": "digits"}, "digits"), ({"team": "ml"}, None)])
def test_a_repositorys_owner_is_its_tag(
    aws: Aws, variables: dict[str, str], tags: dict[str, str], owner: str | None
) -> None:
    """One without the tag was made by somebody else."""
    named = [{"Key": key, "Value": value} for key, value in tags.items()]
    client("ecr", variables).create_repository(repositoryName="digits", tags=named)
    assert owner == aws.images("digits").owner()


def test_an_image_that_ecr_does_not_delete_is_told(aws: Aws) -> None:
    """Whatever the reason is; the repository is gone here."""
    with pytest.raises(DeployerError, match="Deleting images of missing"):
        aws.images("missing").delete(["sha256:" + "0" * 64])


def test_every_alias_is_listed_and_a_version_is_deleted_once(aws: Aws, variables: dict[str, str]) -> None:
    """The second time it is gone already."""
    role = client("iam", variables).create_role(RoleName="digits", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    functions, releases = client("lambda", variables), aws.releases("digits")
    assert ((), ()) == (releases.versions(), releases.aliases())
    uri = f"123456789012.dkr.ecr.{REGION}.amazonaws.com/digits@sha256:{'0' * 64}"
    functions.create_function(FunctionName="digits", Role=role, PackageType="Image", Code={"ImageUri": uri})
    functions.publish_version(FunctionName="digits")
    functions.update_function_configuration(FunctionName="digits", Description="2")
    functions.publish_version(FunctionName="digits")
    for name in ("live", "candidate", "mine"):
        functions.create_alias(FunctionName="digits", Name=name, FunctionVersion="2")
    assert ["candidate", "live", "mine"] == sorted(alias.name for alias in releases.aliases())
    for _ in range(2):
        releases.delete("1")
    assert ["2"] == [version.number for version in releases.versions()]


def test_images_of_every_other_function_are_known(aws: Aws, variables: dict[str, str]) -> None:
    """Of each of its versions; a function of a ZIP file has no image, and our own function is not another."""
    role = client("iam", variables).create_role(RoleName="digits", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    functions, releases = client("lambda", variables), aws.releases("digits")
    assert frozenset() == releases.digests_of_others()
    ours, first, second = (
        f"123456789012.dkr.ecr.{REGION}.amazonaws.com/digits@sha256:{number:064}" for number in range(3)
    )
    made = [
        functions.create_function(
            FunctionName=name, Role=role, PackageType="Image", Code={"ImageUri": image}, Publish=True
        )
        for name, image in (("digits", ours), ("other", first))
    ]
    made.append(functions.update_function_code(FunctionName="other", ImageUri=second))
    functions.create_function(
        FunctionName="zipped", Role=role, Runtime="python3.12", Handler="a.b", Code={"ZipFile": b"no archive"}
    )
    ours, first, second = (f"sha256:{answer['CodeSha256']}" for answer in made)
    assert 3 == len({ours, first, second})
    assert frozenset({first, second}) == releases.digests_of_others()
    assert {"other": {first, second}} == releases.images_of_others()

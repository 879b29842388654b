"""moto and the fake of it answer the registry and the data plane alike."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from local_aws import ACCOUNT, MANIFEST, REGION, FakeControlPlane, digest_of
from moto.awslambda.models import lambda_backends
from moto.ecr.models import ecr_backends
from moto.iam.models import iam_backends

from deployer.local.control_plane import ControlPlane
from deployer.local.ecr import NoSuchRepository, Repository, TagIsImmutable
from deployer.local.functions import LATEST, Alias, FunctionName, FunctionVersion, NoSuchFunction
from deployer.local.moto_aws import MotoAws

DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
REPOSITORY = Repository(ACCOUNT, REGION, "team/digits")
IMMUTABLE = Repository(ACCOUNT, REGION, "fixed")
NOBODY = FunctionName(ACCOUNT, REGION, "nobody")


ROLE = f"arn:aws:iam::{ACCOUNT}:role/functions"
DIGITS = FunctionName(ACCOUNT, REGION, "digits")
WEIGHTS: dict[str, dict[str, float]] = {"live": {"2": 0.25}, "still": {}}


def made(version: str) -> FunctionVersion:
    """A version of the function whose second one differs from the first in its time-out."""
    return FunctionVersion(
        DIGITS,
        version,
        digest_of(manifest("one")),
        timeout=3 if version == "1" else 4,
        memory_size=128,
        ephemeral_storage=512,
        role=ROLE,
    )


def function_in_moto(aws: MotoAws) -> None:
    """The same function as the fake's, with the same aliases."""
    functions = lambda_backends[ACCOUNT][REGION]
    iam_backends[ACCOUNT]["aws"].create_role("functions", "{}", "/", "", "", [], "3600")
    digest = put(aws, "one", tag=None)
    image = {"ImageUri": f"{REPOSITORY.uri}@{digest}"}
    spec = {"FunctionName": "digits", "Role": ROLE, "PackageType": "Image", "Code": image, "Timeout": 3}
    functions.create_function({**spec, "Publish": True})
    functions.update_function_configuration("digits", LATEST, {"Timeout": 4})
    functions.publish_version("digits")
    aws.settle(DIGITS)
    for name, weights in WEIGHTS.items():
        functions.create_alias(name, "digits", "1", "", {"AdditionalVersionWeights": weights})  # type: ignore[arg-type]


def manifest(text: str) -> bytes:
    config = {"digest": digest_of(text.encode()), "size": 1}
    return json.dumps({"mediaType": MANIFEST, "config": config, "layers": []}).encode()


@pytest.fixture(params=["moto", "fake"])
def plane(request: pytest.FixtureRequest) -> Iterator[ControlPlane]:
    if request.param == "fake":
        yield FakeControlPlane(
            repositories={REPOSITORY, IMMUTABLE},
            immutable={IMMUTABLE},
            versions={(DIGITS, version): made(version) for version in (LATEST, "1", "2")},
            named={DIGITS: {name: Alias(name, "1", weights) for name, weights in WEIGHTS.items()}},
        )
        return
    backend = ecr_backends[ACCOUNT][REGION]
    backend.reset()
    for repository, mutability in ((REPOSITORY, "MUTABLE"), (IMMUTABLE, "IMMUTABLE")):
        backend.create_repository(repository.name, None, {}, None, mutability, [])
    aws = MotoAws()
    function_in_moto(aws)
    yield aws
    for used in (backend, lambda_backends[ACCOUNT][REGION], iam_backends[ACCOUNT]["aws"]):
        used.reset()


def put(plane: ControlPlane, text: str, *, tag: str | None, repository: Repository = REPOSITORY) -> str:
    return plane.put_image(repository, manifest=manifest(text), media_type=MANIFEST, tag=tag)


def test_an_image_is_known_by_its_manifests_digest_and_by_its_tag(plane: ControlPlane) -> None:
    """ECR's digest of an image is the sha256 of its manifest, also where layers are equal."""
    digest = put(plane, "one", tag="v1")
    assert digest_of(manifest("one")) == digest
    assert (digest, digest) == (plane.image_digest(REPOSITORY, "v1"), plane.image_digest(REPOSITORY, digest))


def test_putting_an_image_again_changes_nothing(plane: ControlPlane) -> None:
    """The same manifest under the same tag, or under no tag, is accepted and known once."""
    first = put(plane, "one", tag="v1")
    assert (first, first) == (put(plane, "one", tag="v1"), put(plane, "one", tag=None))
    assert first == plane.image_digest(REPOSITORY, "v1")


def test_an_image_that_docker_pushed_is_known_like_any_other(plane: ControlPlane) -> None:
    """With Docker's media type, under a tag and beside an image of the other type."""
    content = json.dumps({"mediaType": DOCKER, "config": {"digest": digest_of(b"c"), "size": 1}, "layers": []}).encode()
    digest = plane.put_image(REPOSITORY, manifest=content, media_type=DOCKER, tag="docker")
    other = put(plane, "one", tag="v1")
    assert (digest, digest) == (digest_of(content), plane.image_digest(REPOSITORY, "docker"))
    assert other == plane.image_digest(REPOSITORY, "v1")


def test_an_image_stays_when_its_tag_moves_to_another(plane: ControlPlane) -> None:
    """A rollback needs the image that lost its tag."""
    old, new = put(plane, "one", tag="v1"), put(plane, "two", tag="v1")
    assert (new, old) == (plane.image_digest(REPOSITORY, "v1"), plane.image_digest(REPOSITORY, old))


def test_an_immutable_tag_does_not_move(plane: ControlPlane) -> None:
    """The repository's own setting decides, and the tag still names the first image."""
    first = put(plane, "one", tag="v1", repository=IMMUTABLE)
    with pytest.raises(TagIsImmutable):
        put(plane, "two", tag="v1", repository=IMMUTABLE)
    assert first == plane.image_digest(IMMUTABLE, "v1")


def test_an_unknown_repository_is_an_error_of_its_own(plane: ControlPlane) -> None:
    """A push to a repository that nobody created must not create it."""
    with pytest.raises(NoSuchRepository):
        plane.image_digest(Repository(ACCOUNT, REGION, "other"), "v1")
    with pytest.raises(NoSuchRepository):
        put(plane, "one", tag="v1", repository=Repository(ACCOUNT, REGION, "other"))


def test_an_unknown_image_has_no_digest(plane: ControlPlane) -> None:
    """Asking for what is not there is no error."""
    assert plane.image_digest(REPOSITORY, "v9") is None


@pytest.mark.parametrize("version", [LATEST, "1", "2"])
def test_a_version_is_what_was_published_then(plane: ControlPlane, version: str) -> None:
    """Each with the digest of its image, its settings and its execution role."""
    assert made(version) == plane.version(DIGITS, version)


def test_an_alias_is_the_version_that_it_stands_for(plane: ControlPlane) -> None:
    """Its weights are its own business: they do not change what it stands for."""
    assert [made("1"), made("1")] == [plane.version(DIGITS, name) for name in WEIGHTS]


def test_the_aliases_of_a_function_have_their_weights(plane: ControlPlane) -> None:
    """By name; one whose weights were cleared has none."""
    found = plane.aliases(DIGITS)
    assert {name: ("1", weights) for name, weights in WEIGHTS.items()} == {
        name: (alias.version, alias.weights) for name, alias in found.items()
    }


def test_an_unknown_function_has_no_version_no_alias_and_no_policy(plane: ControlPlane) -> None:
    """All say which function was asked for."""
    with pytest.raises(NoSuchFunction, match="function:nobody"):
        plane.aliases(NOBODY)
    with pytest.raises(NoSuchFunction, match="function:nobody"):
        plane.version(NOBODY, "$LATEST")
    with pytest.raises(NoSuchFunction, match="function:nobody"):
        plane.statements(NOBODY)


def test_the_log_of_a_deleted_function_is_not_written(plane: ControlPlane) -> None:
    """An environment that ends after `down` must not bring the log group back."""
    plane.write_logs(NOBODY, "stream", [(1, "late")])
    assert not plane.exists(NOBODY)

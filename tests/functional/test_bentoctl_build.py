"""The real bentoctl from prompt to pushed image, with moto's ECR; only the image itself is a stand-in's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bento_samples import MODEL_BYTES, write_legacy, write_model, write_modern
from bentoctl_jobs import Workbench
from moto_server import moto_server

from deployer.config import DeploymentConfig, Spec
from deployer.tools.terraform_values import update_values


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    with moto_server() as url:
        yield url


def files_of(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Every file with its bytes and the time of its last change."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns) for path in found}


@pytest.mark.parametrize(("write", "repository"), [(write_modern, "team/app/digits"), (write_legacy, "")])
def test_a_bento_becomes_an_image_in_ecr(tmp_path: Path, aws: str, write: Callable[..., Path], repository: str) -> None:
    """Context, digest, values and ECR agree, nested repository names included; the user's store is not touched.

    The image commands run in deployer's own environment, with none of bentoctl's private variables.
    """
    bench = Workbench(tmp_path, aws)
    write_model(bench.store, "m:1")
    folder = write(bench.store, "digits:v1", models=["m:1"])
    store = files_of(bench.store)
    config = DeploymentConfig(name=f"digits-{write.__name__}", spec=Spec(repository=repository, tags={"Owner": "me"}))
    job, bentoctl, lines = bench.job("digits", config), bench.bentoctl(), list[str]()

    bentoctl.init(job)
    image = bentoctl.build(job, on_line=lines.append)

    name = repository or config.name
    assert image.uri == f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/{name}:v1"
    assert (bench.digest(name, "v1"), image.reused) == (image.digest, False)
    values = json.loads(job.values_file.read_text())
    assert (values["image_tag"], values["image_digest"]) == (image.uri, image.digest)
    assert lines == ["build: started", "push: started"]
    context = files_of(bench.seen / "context")
    assert context["bento.yaml"][0] == (folder / "bento.yaml").read_bytes()
    assert context["models/m/1/weights.bin"][0] == MODEL_BYTES
    assert context["src/service.py"][0] == b"# the service\n"
    assert files_of(bench.store) == store
    assert tags_of(bench, name) == {"Owner": "me", "deployer:name": config.name, "deployer:bento": "digits:v1"}
    for verb in ("build", "push"):
        seen = json.loads((bench.seen / f"{verb}.environment").read_text())
        assert (seen["BENTOML_HOME"], seen["AWS_ENDPOINT_URL"]) == (str(bench.store), aws)
        assert not {"DEPLOYER_JOB", "BENTOCTL_HOME", "TMPDIR", "PYTHONWARNINGS"} & seen.keys()


def test_a_second_run_pushes_nothing_and_no_log_has_a_secret(tmp_path: Path, aws: str) -> None:
    """The same Bento is reused, and what the release added to the values stays until the next one.

    A planted value under env is searched for in all that was logged.
    """
    bench = Workbench(tmp_path, aws)
    write_modern(bench.store, "digits:v1")
    job = bench.job("digits", DeploymentConfig(name="twice", env={"TOKEN": "hunter2"}))
    bentoctl = bench.bentoctl()

    bentoctl.init(job)
    first = bentoctl.build(job)
    update_values(job.terraform, description="twice:v1 [abc]", released=True)
    second = bentoctl.build(job)

    assert (first.reused, second.reused, first.digest) == (False, True, second.digest)
    values = json.loads(job.values_file.read_text())
    assert ("twice:v1 [abc]", True) == (values["description"], values["released"])
    assert "TOKEN: ***" in job.log.read_text()
    assert "hunter2" not in job.log.read_text()


def test_the_tags_of_our_own_repository_are_kept_up_to_date(tmp_path: Path, aws: str) -> None:
    """A repository that carries this deployment's name gets the tags of the config and of the Bento."""
    bench = Workbench(tmp_path, aws)
    write_modern(bench.store, "digits:v1")
    before = [{"Key": "Owner", "Value": "me"}, {"Key": "deployer:name", "Value": "tagged"}]
    bench.ecr().create_repository(repositoryName="tagged", tags=before)
    job = bench.job("digits", DeploymentConfig(name="tagged", spec=Spec(tags={"Owner": "you"})))

    bench.bentoctl().init(job)
    bench.bentoctl().build(job)

    assert tags_of(bench, "tagged") == {"Owner": "you", "deployer:name": "tagged", "deployer:bento": "digits:v1"}
    assert settings_of(bench, "tagged") == ("IMMUTABLE", True)


def test_two_images_of_one_bento_have_a_tag_each(tmp_path: Path, aws: str) -> None:
    """The repository is made with tags that stay: another image gets the Bento's version and its own digest."""
    bench = Workbench(tmp_path, aws)
    write_modern(bench.store, "digits:v1")
    job = bench.job("digits", DeploymentConfig(name="twofold"))
    bench.bentoctl().init(job)
    first = bench.bentoctl().build(job)
    assert settings_of(bench, "twofold") == ("IMMUTABLE", True)

    service = next((bench.store / "bentos" / "digits" / "v1" / "src").glob("*.py"))
    service.write_text(f"{service.read_text()}\n# another image\n")
    for reused in (False, True):
        second = bench.bentoctl().build(job)
        digest = second.digest.partition(":")[2]
        assert (f"v1-{digest[:12]}", reused) == (second.tag, second.reused)
    assert (bench.digest("twofold", "v1"), bench.digest("twofold", second.tag)) == (first.digest, second.digest)
    assert f"{second.repository}:{second.tag}" == json.loads(job.values_file.read_text())["image_tag"]


def test_a_repository_that_somebody_else_made_is_used_but_not_claimed(tmp_path: Path, aws: str) -> None:
    """Without our tag `down` has no reason to delete it."""
    bench = Workbench(tmp_path, aws)
    write_modern(bench.store, "digits:v1")
    bench.ecr().create_repository(repositoryName="shared", tags=[{"Key": "Team", "Value": "ml"}])
    job = bench.job("digits", DeploymentConfig(name="guest", spec=Spec(repository="shared")))

    bench.bentoctl().init(job)
    image = bench.bentoctl().build(job)

    assert bench.digest("shared", "v1") == image.digest
    assert tags_of(bench, "shared") == {"Team": "ml"}
    assert settings_of(bench, "shared") == ("MUTABLE", False)


def tags_of(bench: Workbench, repository: str) -> dict[str, str]:
    found = bench.ecr().describe_repositories(repositoryNames=[repository])["repositories"][0]
    tags = bench.ecr().list_tags_for_resource(resourceArn=found["repositoryArn"])["tags"]
    return {tag["Key"]: tag["Value"] for tag in tags}


def settings_of(bench: Workbench, repository: str) -> tuple[str, bool]:
    """Whether tags may move, and whether images are scanned when they are pushed."""
    found = bench.ecr().describe_repositories(repositoryNames=[repository])["repositories"][0]
    return found["imageTagMutability"], bool(found.get("imageScanningConfiguration", {}).get("scanOnPush"))

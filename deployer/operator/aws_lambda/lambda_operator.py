"""The operator `aws-lambda`: bentoctl calls these functions by name, in its own process and environment.

Everything they need is in the job file that DEPLOYER_JOB names. bentoctl's own values only confirm it: a value that
came out of bentoctl otherwise than it went in is an error, not a deployment.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import botocore.exceptions
from bentoctl.exceptions import BentoctlException

VALUES_FILE = "terraform.tfvars.json"
OWNER_TAG = "deployer:name"
OF_A_RELEASE = ("image_tag", "image_digest", "description", "released", "owns_repository")
IMMUTABLE = "IMMUTABLE"  # a tag stays with its image: what was deployed under it is what is there
SCANNED = {"scanOnPush": True}
_NOT_PART_OF_A_TEMPLATE = shutil.ignore_patterns(".terraform", "*.tfstate*", VALUES_FILE, ".git")


class RepositoryError(BentoctlException):  # type: ignore[misc]
    """The ECR repository could not be made or looked up."""


class ValuesChanged(BentoctlException):  # type: ignore[misc]
    """bentoctl hands over other values than those it was given."""


def create_deployable(
    bento_path: str, destination_dir: str, bento_metadata: dict[str, Any], overwrite_deployable: bool
) -> str:
    """The folder to build the image from: the Bento as it was staged, its own bento.yaml and its models included.

    bentoctl's copy of it is not used: it has the description only, see `bento_staging`.
    """
    return str(_job()["context"])


def generate(
    name: str, spec: dict[str, Any], template_type: str, destination_dir: str, values_only: bool = True
) -> list[str]:
    """Write the template's files (unless `values_only`) and the values into the job's terraform folder."""
    job = _job()
    _check_unchanged(job, name, spec)
    folder = Path(job["terraform"])
    written = [] if values_only else _copy_template(Path(job["template"]), folder)
    pushed = "image_tag" in spec
    image = _pushed_image(job, spec["image_tag"]) if pushed else {}
    values = {**job["values"], **_known(folder), **image}
    _write_private(folder / VALUES_FILE, json.dumps(values, indent=2, ensure_ascii=False) + "\n")
    return [*written, str(folder / VALUES_FILE)]


def create_repository(repository_name: str, operator_spec: dict[str, Any]) -> tuple[str, str | None, str | None]:
    """The ECR repository of the job, made when it is not there; its URL, and a login where Docker pushes.

    `deployer image push` gets its credentials by itself.
    """
    job = _job()
    name, tags = job["repository"], job["values"]["tags"]
    with _readable_errors(f"ECR repository {name}"):
        ecr = boto3.client("ecr", region_name=job["values"]["region"])
        uri = _create_or_find(ecr, name, tags)
        user, password = _login(ecr) if job["builder"] == "docker" else (None, None)
    return f"https://{uri}", user, password


def delete_repository(repository_name: str, operator_spec: dict[str, Any]) -> None:
    """Delete the ECR repository of the job with all its images; nothing to delete is fine."""
    job = _job()
    name = job["repository"]
    with _readable_errors(f"ECR repository {name}"):
        ecr = boto3.client("ecr", region_name=job["values"]["region"])
        try:
            ecr.delete_repository(repositoryName=name, force=True)
        except ecr.exceptions.RepositoryNotFoundException:
            return


def _job() -> dict[str, Any]:
    path = os.environ.get("DEPLOYER_JOB")
    if path is None:
        raise BentoctlException("the operator aws-lambda is run by `deployer up`: DEPLOYER_JOB is not set")
    job: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return job


def _check_unchanged(job: dict[str, Any], name: str, spec: dict[str, Any]) -> None:
    asked = {"name": job["asked"]["name"], **job["asked"]["spec"], "env": job["asked"]["env"]}
    given = {"name": name, **{key: value for key, value in spec.items() if key != "image_tag" and value is not None}}
    different = sorted(
        key for key in asked.keys() | given.keys() if _spelled(asked.get(key)) != _spelled(given.get(key))
    )
    if different:
        raise ValuesChanged(f"bentoctl changed {', '.join(different)} on the way to the operator")


def _spelled(value: object) -> str:
    """Tells 1, True and "1" apart, which `==` does not."""
    return json.dumps(value, sort_keys=True)


def _copy_template(template: Path, folder: Path) -> list[str]:
    """Copy the template's files; terraform files of an earlier template would be read beside them, so they go."""
    names = {path.name for path in template.iterdir()}
    stale = [path for pattern in ("*.tf", "*.tf.json") for path in folder.glob(pattern) if path.name not in names]
    for path in stale:
        path.unlink()
    shutil.copytree(template, folder, ignore=_NOT_PART_OF_A_TEMPLATE, dirs_exist_ok=True)
    return [str(path) for path in sorted(folder.glob("*.tf"))]


def _pushed_image(job: dict[str, Any], asked: str) -> dict[str, str]:
    """`asked` is bentoctl's REPOSITORY:TAG; the push took another tag where that one had another image already."""
    push = json.loads(Path(job["result"]).read_text(encoding="utf-8"))["push"]
    repository, _, tag = asked.rpartition(":")
    return {"image_tag": f"{repository}:{push.get('tag') or tag}", "image_digest": str(push["digest"])}


def _known(folder: Path) -> dict[str, Any]:
    """What a release added to the values stays until the next one, as far as it is there.

    terraform can destroy nothing without an image, and compares what is there with the last description and `live`.
    """
    try:
        values = json.loads((folder / VALUES_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {key: values[key] for key in OF_A_RELEASE if key in values}


def _write_private(path: Path, text: str) -> None:
    """Replace a file in one step, readable by its owner only: the values hold the function's environment."""
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)


@contextmanager
def _readable_errors(what: str) -> Iterator[None]:
    try:
        yield
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        raise RepositoryError(f"{what}: {error}") from error


def _login(ecr: Any) -> tuple[str, str]:
    """ECR's user and password for Docker, good for 12 hours; they are only handed on in memory."""
    token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    user, _, password = base64.b64decode(token).decode().partition(":")
    return user, password


def _create_or_find(ecr: Any, name: str, tags: dict[str, str]) -> str:
    """The repository's URI. One that somebody else made is used as it is: it gets none of our tags."""
    ecr_tags = [{"Key": key, "Value": value} for key, value in tags.items()]
    try:
        made = ecr.create_repository(
            repositoryName=name, tags=ecr_tags, imageTagMutability=IMMUTABLE, imageScanningConfiguration=SCANNED
        )
        return str(made["repository"]["repositoryUri"])
    except ecr.exceptions.RepositoryAlreadyExistsException:
        found = ecr.describe_repositories(repositoryNames=[name])["repositories"][0]
    present = {
        tag["Key"]: tag["Value"] for tag in ecr.list_tags_for_resource(resourceArn=found["repositoryArn"])["tags"]
    }
    if present.get(OWNER_TAG) == tags[OWNER_TAG]:
        if present != tags:
            ecr.tag_resource(resourceArn=found["repositoryArn"], tags=ecr_tags)
        _bring_in_line(ecr, name, found)
    return str(found["repositoryUri"])


def _bring_in_line(ecr: Any, name: str, found: dict[str, Any]) -> None:
    """What an earlier release of deployer made otherwise."""
    if found.get("imageTagMutability") != IMMUTABLE:
        ecr.put_image_tag_mutability(repositoryName=name, imageTagMutability=IMMUTABLE)
    if found.get("imageScanningConfiguration") != SCANNED:
        ecr.put_image_scanning_configuration(repositoryName=name, imageScanningConfiguration=SCANNED)

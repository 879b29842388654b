"""bentoctl 0.4.0 without a prompt: `init` answered from the config, `build` run on a staged Bento.

Its exit code says nothing (0 on most failures), so what each command promised is looked up afterwards.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from deployer.errors import DeployerError
from deployer.models import Image, Layer
from deployer.operator.aws_lambda.operator_config import OPERATOR_NAME
from deployer.targets import Environment
from deployer.tools.bento_staging import stage_context, stage_store
from deployer.tools.bentoctl_answers import CONFIG_FILE, Asked, answers, ask, differences
from deployer.tools.bentoctl_job import (
    Job,
    bentoctl_variables,
    image_command,
    own_variables,
    write_job,
)
from deployer.tools.process import Completed, OnLine, Runner

__all__ = ["Bentoctl", "Job"]

INIT_SECONDS = 120.0
BUILD_SECONDS = 3600.0
OPERATOR = Path(__file__).parent.parent / "operator"
PROGRESS = "[image] "  # what the launcher puts before lines that are for the user

DigestLookup = Callable[[Environment, str, str], "str | None"]


class Bentoctl:
    """bentoctl, run by `python`, the interpreter of its own environment.

    `image_command` is what builds and pushes (`… build CONTEXT --layout DIR`, `… push LAYOUT REPOSITORY:TAG`);
    `digest_in_ecr` answers which digest ECR holds for an environment, a repository name and a tag.
    """

    def __init__(
        self,
        *,
        python: Path,
        runner: Runner,
        variables: Mapping[str, str],
        image_command: Sequence[str] = image_command(),
        digest_in_ecr: DigestLookup | None = None,
    ) -> None:
        self._python = python
        self._runner = runner
        self._variables = variables
        self._image_command = tuple(image_command)
        self._digest_in_ecr = digest_in_ecr or self._ask_ecr

    def init(self, job: Job) -> None:
        """Write `deployment_config.yaml`, the template's files and the values, through `bentoctl init`."""
        asked = ask(job.config)
        _make_folders(job)
        _register_operator(job.registry)
        log = _RedactedLog(job.log, job.config.env)
        ended = self._run(job, asked, "init", timeout=INIT_SECONDS, stdin=answers(asked), on_line=log.write)
        for line in ended.stderr.splitlines():
            log.write(line)
        _check_no_error(ended, job)
        _check_written(job, asked)
        if not job.values_file.is_file() or not any(job.terraform.glob("*.tf")):
            raise DeployerError(f"`bentoctl init` left no terraform files in {job.terraform}.", log=job.log)

    def build(self, job: Job, *, on_line: OnLine | None = None) -> Image:
        """Build and push the Bento's image through `bentoctl build`. `on_line` gets the image builder's progress."""
        asked = ask(job.config)
        _check_written(job, asked)
        _stage(job)
        job.result.unlink(missing_ok=True)
        try:
            options = ("-b", str(job.bento.tag), "-f", CONFIG_FILE)
            listener = _progress_only(on_line)
            ended = self._run(job, asked, "build", *options, timeout=BUILD_SECONDS, log=job.log, on_line=listener)
        finally:
            _unstage(job)
        _check_no_error(ended, job)
        image = _image(job, ended)
        self._check_pushed(job, image)
        return image

    def _run(
        self,
        job: Job,
        asked: Asked,
        *arguments: str,
        timeout: float,
        stdin: bytes = b"",
        log: Path | None = None,
        on_line: OnLine | None = None,
    ) -> Completed:
        own = own_variables(job, self._variables)
        variables = bentoctl_variables(job, own)
        write_job(job, asked, image_command=self._image_command, bentoctl_variables=variables, own=own)
        argv = [str(self._python), str(OPERATOR / "launcher.py"), *arguments]
        return self._runner.run(
            argv, env=variables, cwd=job.folder, timeout=timeout, stdin=stdin, log=log, on_line=on_line
        )

    def _check_pushed(self, job: Job, image: Image) -> None:
        """The digest of the layout (Docker makes none), of the values and of ECR must be one."""
        values = json.loads(job.values_file.read_text(encoding="utf-8"))
        name = image.repository.partition("/")[2]
        found = {
            **_in_layout(job),
            f"{job.values_file}": values.get("image_digest") if values.get("image_tag") == image.uri else None,
            f"ECR repository {name}": self._digest_in_ecr(job.environment, name, image.tag),
        }
        for place, digest in found.items():
            if digest != image.digest:
                raise DeployerError(
                    f"{image.uri} was pushed as {image.digest}, but {place} has {digest or 'no such image'}.",
                    hint="Run the command again; if another `up` pushes the same Bento, let it end first.",
                    log=job.log,
                )

    def _ask_ecr(self, environment: Environment, repository: str, tag: str) -> str | None:
        from deployer.tools.aws import Aws  # boto3 takes long to import

        digest: str | None = Aws(environment, self._variables).image_digest(repository, tag)
        return digest


def _in_layout(job: Job) -> dict[str, str]:
    if job.plan.builder == "docker":
        return {}
    index = json.loads((job.layout / "index.json").read_text(encoding="utf-8"))
    return {f"the image layout {job.layout}": index["manifests"][0]["digest"]}


class _RedactedLog:
    """bentoctl echoes each answer; values under `env` may be secret and are not logged."""

    def __init__(self, path: Path, env: Mapping[str, str]) -> None:
        self._path = path
        self._echo = re.compile(rf"\b({'|'.join(map(re.escape, env))}): .*") if env else None

    def write(self, line: str) -> None:
        shown = self._echo.sub(r"\1: ***", line) if self._echo else line
        with self._path.open("a", encoding="utf-8") as file:
            file.write(shown.rstrip() + "\n")


def _make_folders(job: Job) -> None:
    """Empty the job's folder. It may hold the function's environment: nobody else may look into it."""
    if job.folder.is_dir() and not job.folder.is_symlink():
        shutil.rmtree(job.folder)
    job.folder.mkdir(mode=0o700, parents=True)
    for folder in (job.store, job.registry / "operators", job.scratch):
        folder.mkdir(parents=True)
    for folder in (job.terraform, job.layout.parent):
        folder.mkdir(parents=True, exist_ok=True)


def _register_operator(registry: Path) -> None:
    """What `bentoctl operator install FOLDER` writes, without its seconds; one operator, so bentoctl asks for none."""
    entry = {"path": str(OPERATOR / "aws_lambda"), "is_local": True, "is_official": False, "version": None}
    (registry / "operators" / "operator_list.json").write_text(json.dumps({OPERATOR_NAME: entry}), encoding="utf-8")


def _stage(job: Job) -> None:
    _unstage(job)
    try:
        job.scratch.mkdir()
        stage_store(job.bento, job.store)
        stage_context(job.bento, job.context)
    except OSError as error:
        _unstage(job)
        raise DeployerError(
            f"Bento {job.bento.tag} could not be copied to {job.folder}: {error}.", log=job.log
        ) from error


def _unstage(job: Job) -> None:
    for folder in (job.store, job.context, job.scratch):
        shutil.rmtree(folder, ignore_errors=True)


def _progress_only(on_line: OnLine | None) -> OnLine | None:
    if on_line is None:
        return None

    def listen(line: str) -> None:
        if line.startswith(PROGRESS):
            on_line(line[len(PROGRESS) :])

    return listen


def _check_written(job: Job, asked: Asked) -> None:
    """deployment_config.yaml must be what was asked, value for value and type for type."""
    path = job.folder / CONFIG_FILE
    try:
        written = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        raise DeployerError(f"`bentoctl init` left no readable {path}: {error}.", log=job.log) from error
    different = differences(asked.document(), written)
    if different:
        raise DeployerError(
            f"`bentoctl init` wrote other values than were asked for: {', '.join(different)}.", log=job.log
        )


def _check_no_error(ended: Completed, job: Job) -> None:
    """Raise with the error that our side of bentoctl left, else with bentoctl's own line and what our command said."""
    command = ended.argv[2] if len(ended.argv) > 2 else ""
    failure = _result(job).get("failure", {})
    cause = [f"  {word}" for word in failure.get("words", [])]
    if "message" in failure:
        raise DeployerError("\n".join([failure["message"], *cause]), hint=failure["hint"], log=job.log)
    said = re.search(r"^Error \[\w+\]:.*", ended.stdout, re.MULTILINE)
    if said is None and ended.returncode == 0:
        return
    words = ended.stderr.strip().splitlines()[-1:] or [f"it ended with exit code {ended.returncode}"]
    line = said.group() if said else words[0]
    raise DeployerError("\n".join([f"`bentoctl {command}` failed: {' '.join(line.split())}", *cause]), log=job.log)


def _result(job: Job) -> dict[str, Any]:
    try:
        result: dict[str, Any] = json.loads(job.result.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return result


def _image(job: Job, ended: Completed) -> Image:
    result = _result(job)
    values = json.loads(job.values_file.read_text(encoding="utf-8"))
    repository, _, tag = values.get("image_tag", "").rpartition(":")
    if not {"build", "push"} <= result.keys() or not tag.startswith(job.bento.tag.version):
        last = ended.stdout.strip().splitlines()[-1:] or ["nothing"]
        raise DeployerError(f"`bentoctl build` ended without pushing an image; it last said: {last[0]}", log=job.log)
    layers = tuple(Layer(each["title"], each["digest"], each["size"]) for each in result["build"].get("layers", []))
    pushed = result["push"]
    return Image(repository, tag, pushed["digest"], reused=not pushed.get("pushed"), layers=layers)

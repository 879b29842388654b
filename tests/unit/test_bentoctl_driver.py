"""bentoctl's driver against a bentoctl that lies: exit code 0 whatever happens."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from bento_samples import write_model, write_modern
from stand_in_runner import Answer, Asked, StandInRunner

from deployer.config import DeploymentConfig
from deployer.errors import DeployerError
from deployer.models import Image, ImagePlan, Layer
from deployer.targets import Environment
from deployer.tools.bento_store import BentoStore
from deployer.tools.bentoctl import Bentoctl, Job

DIGEST = "sha256:" + "a" * 64
REPOSITORY = "123456789012.dkr.ecr.us-east-1.amazonaws.com/digits"
SECRET = "hunter2"  # noqa: S105, the planted one
ENVIRONMENT = Environment("local", "us-east-1", {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, frozenset({"AWS_PROFILE"}))
VARIABLES = {
    "PATH": "/bin",
    "AWS_PROFILE": "mine",
    "PYTHONPATH": "/mine",
    "BENTOML_HOME": "/store",
    "VIRTUAL_ENV": "/v",
}

Deed = Callable[[dict[str, Any]], str]


def fake_bentoctl(*, stdout: str = "", **deeds: Deed) -> StandInRunner:
    """bentoctl keeping the promises of `init` and `build`; then the `deeds` of that name spoil what it left."""

    def program(asked: Asked) -> Answer:
        job = json.loads(Path(asked.env["DEPLOYER_JOB"]).read_text())
        verb = asked.argv[2]
        (_init if verb == "init" else _build)(job, asked.cwd)
        return 0, deeds.get(verb, lambda job: "")(job) + stdout

    return StandInRunner(program=program)


def _init(job: dict[str, Any], cwd: Path) -> None:
    (cwd / "deployment_config.yaml").write_text(yaml.safe_dump(job["asked"]))
    (Path(job["terraform"]) / "main.tf").write_text("")
    (Path(job["terraform"]) / "terraform.tfvars.json").write_text(json.dumps(job["values"]))


def _build(job: dict[str, Any], cwd: Path) -> None:
    layers = [{"title": "model", "digest": DIGEST, "size": 7}]
    result = {
        "build": {"digest": DIGEST, "layers": layers},
        "push": {"digest": DIGEST, "pushed": [], "skipped": [DIGEST]},
    }
    Path(job["result"]).write_text(json.dumps(result))
    Path(job["layout"]).mkdir(parents=True, exist_ok=True)
    (Path(job["layout"]) / "index.json").write_text(json.dumps({"manifests": [{"digest": DIGEST}]}))
    values = {**job["values"], "image_tag": f"{REPOSITORY}:v1", "image_digest": DIGEST}
    (Path(job["terraform"]) / "terraform.tfvars.json").write_text(json.dumps(values))


def make_job(folder: Path) -> Job:
    write_model(folder / "store", "m:1")
    write_modern(folder / "store", "digits:v1", models=["m:1"])
    return Job(
        folder=folder / "bentoctl",
        terraform=folder / "terraform",
        layout=folder / "layout",
        template=folder / "template",
        bento=BentoStore(folder / "store").get("digits"),
        config=DeploymentConfig(name="digits", env={"TOKEN": SECRET, "EMPTY": ""}),
        environment=ENVIRONMENT,
        log=folder / "up.log",
    )


def driver(runner: StandInRunner, *, ecr: str | None = DIGEST) -> Bentoctl:
    return Bentoctl(
        python=Path("/env/bin/python"),
        runner=runner,
        variables=VARIABLES,
        image_command=("deployer", "image"),
        digest_in_ecr=lambda environment, repository, tag: ecr,
    )


def test_init_and_build_give_the_image_that_was_pushed(tmp_path: Path) -> None:
    """The honest case; an image whose layers were all there already is reused."""
    job, bentoctl = make_job(tmp_path), driver(fake_bentoctl())

    bentoctl.init(job)
    image = bentoctl.build(job)

    assert image == Image(REPOSITORY, "v1", DIGEST, reused=True, layers=(Layer("model", DIGEST, 7),))


def test_with_docker_there_is_no_layout(tmp_path: Path) -> None:
    """The job says how the image is made, and the values and ECR decide alone."""

    def no_layout(job: dict[str, Any]) -> str:
        assert ("docker", "base:1", "aarch64") == (job["builder"], job["base"], job["machine"])
        (Path(job["layout"]) / "index.json").unlink()
        return ""

    job = replace(make_job(tmp_path), plan=ImagePlan("docker", "base:1", "aarch64"))
    bentoctl = driver(fake_bentoctl(build=no_layout))

    bentoctl.init(job)
    assert bentoctl.build(job).digest == DIGEST


def test_what_docker_failed_with_is_told_with_the_way_out(tmp_path: Path) -> None:
    """bentoctl's own line would only name its exception."""

    def fails(job: dict[str, Any]) -> str:
        failure = {"message": "No Docker daemon answers.", "hint": "Start Docker.", "words": ["refused"]}
        Path(job["result"]).write_text(json.dumps({"failure": failure}))
        return "Error [BentoctlDockerException]: see the result file\n"

    job, bentoctl = make_job(tmp_path), driver(fake_bentoctl(build=fails))
    bentoctl.init(job)

    with pytest.raises(DeployerError) as caught:
        bentoctl.build(job)
    assert ("No Docker daemon answers.\n  refused", "Start Docker.") == (str(caught.value), caught.value.hint)


def test_bentoctl_gets_private_folders_and_nothing_of_the_users_python(tmp_path: Path) -> None:
    """What would make bentoctl import other packages, use another store or another account is kept from it."""
    job, runner = make_job(tmp_path), fake_bentoctl()

    driver(runner).init(job)

    env = runner.asked[-1].env
    assert not {"PYTHONPATH", "VIRTUAL_ENV", "AWS_PROFILE"} & env.keys()
    assert env["BENTOML_HOME"] == str(job.folder / "bentoml")
    assert env["BENTOCTL_HOME"] == str(job.folder / "bentoctl")
    assert env["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    assert (env["PYTHONUTF8"], env["LC_ALL"], env["BENTOML_DO_NOT_TRACK"]) == (
        "1",
        "C.UTF-8",
        "True",
    )


def test_the_image_commands_get_deployers_own_environment_back(tmp_path: Path) -> None:
    """The job lists every variable in which bentoctl's environment differs from ours."""
    job = make_job(tmp_path)

    driver(fake_bentoctl()).init(job)

    restored = json.loads(job.file.read_text())["restored_variables"]
    assert restored["PYTHONPATH"].endswith(":/mine")
    assert (restored["BENTOML_HOME"], restored["VIRTUAL_ENV"]) == ("/store", "/v")
    assert (restored["DEPLOYER_JOB"], restored["TMPDIR"]) == (None, None)
    assert "AWS_PROFILE" not in restored


def test_no_secret_is_in_a_command_or_in_the_log_and_the_job_is_private(tmp_path: Path) -> None:
    """Values under env travel in files that only their owner reads; bentoctl's echo of them is not logged."""
    job, runner = make_job(tmp_path), fake_bentoctl(stdout=f"key: value:     TOKEN: {SECRET}\nothers: are kept\n")

    driver(runner).init(job)

    assert SECRET not in str(runner.commands)
    assert job.log.read_text() == "key: value:     TOKEN: ***\nothers: are kept\n"
    assert (job.folder.stat().st_mode & 0o077, job.file.stat().st_mode & 0o077) == (0, 0)


def test_every_value_reaches_the_operator_whatever_bentoctl_carries(tmp_path: Path) -> None:
    """The empty value, which bentoctl refuses, is in the values all the same."""
    job = make_job(tmp_path)
    spec = replace(job.config.spec, event_route="/predict", documentation=False, invoke_mode="RESPONSE_STREAM")

    driver(fake_bentoctl()).init(replace(job, config=replace(job.config, spec=spec)))

    document = json.loads(job.file.read_text())
    assert document["asked"]["env"] == {"TOKEN": SECRET}
    own = {"DEPLOYER_EVENT_ROUTE": "/predict", "DEPLOYER_DOCUMENTATION": "off"}
    assert document["values"]["environment"] == {"TOKEN": SECRET, "EMPTY": "", **own}
    assert document["values"]["invoke_mode"] == "RESPONSE_STREAM"


def test_only_the_builders_progress_is_passed_on(tmp_path: Path) -> None:
    """bentoctl's own chatter stays in the log."""
    job, lines = make_job(tmp_path), list[str]()
    runner = fake_bentoctl(build=lambda job: "Created the repository\n[image] layer model\n")
    driver(runner).init(job)

    driver(runner).build(job, on_line=lines.append)

    assert lines == ["layer model"]


def test_nothing_staged_is_left_behind(tmp_path: Path) -> None:
    """After a build, failed or not, no copy of the Bento stays."""
    job, bentoctl = make_job(tmp_path), driver(fake_bentoctl(build=lambda job: "Error [X]: no\n"))
    bentoctl.init(job)

    with pytest.raises(DeployerError):
        bentoctl.build(job)

    assert not {"context", "bentoml", "tmp"} & {path.name for path in job.folder.iterdir()}


def _spoil(*, spec: Mapping[str, Any]) -> Deed:
    def deed(job: dict[str, Any]) -> str:
        path = Path(job["context"]).parent / "deployment_config.yaml"
        path.write_text(yaml.safe_dump({**job["asked"], "spec": {**job["asked"]["spec"], **spec}}))
        return ""

    return deed


def _remove(*keys: str) -> Deed:
    def deed(job: dict[str, Any]) -> str:
        places = {
            "config": Path(job["context"]).parent / "deployment_config.yaml",
            "main.tf": Path(job["terraform"]) / "main.tf",
            "values": Path(job["terraform"]) / "terraform.tfvars.json",
            "result": Path(job["result"]),
        }
        for key in keys:
            places[key].unlink()
        return ""

    return deed


@pytest.mark.parametrize(
    ("deed", "message"),
    [
        (lambda job: "Error [TemplateExists]:  already exists\n", r"`bentoctl init` failed: Error \[TemplateExists\]"),
        (_remove("config"), "left no readable .*deployment_config.yaml"),
        (_remove("main.tf"), "left no terraform files"),
        (_remove("values"), "left no terraform files"),
        (_spoil(spec={"timeout": "60"}), "other values than were asked for: spec.timeout"),
        (_spoil(spec={"surprise": 1}), "other values than were asked for: spec.surprise"),
    ],
)
def test_init_is_judged_by_what_it_left(tmp_path: Path, deed: Deed, message: str) -> None:
    """Exit code 0 with an error line, a missing file or a changed value is a failure that names the log."""
    job = make_job(tmp_path)

    with pytest.raises(DeployerError, match=message) as caught:
        driver(fake_bentoctl(init=deed)).init(job)
    assert caught.value.log == job.log


def _failed_push(job: dict[str, Any]) -> str:
    failure = {"step": "image push", "words": ["Error: the registry answered 403", "Hint: log in"]}
    Path(job["result"]).write_text(json.dumps({"build": {}, "failure": failure}))
    return "Error [BentoctlDockerException]:  `deployer image push` ended with exit code 1\n"


def _other_layout(job: dict[str, Any]) -> str:
    (Path(job["layout"]) / "index.json").write_text(json.dumps({"manifests": [{"digest": "sha256:other"}]}))
    return ""


def _stale_values(job: dict[str, Any]) -> str:
    values = {**job["values"], "image_tag": f"{REPOSITORY}:v0", "image_digest": DIGEST}
    (Path(job["terraform"]) / "terraform.tfvars.json").write_text(json.dumps(values))
    return ""


@pytest.mark.parametrize(
    ("deed", "message"),
    [
        (lambda job: "Error [BentoNotFound]:  Bento with tag <x> not found\n", r"Error \[BentoNotFound\]"),
        (_failed_push, r"(?s)Error \[BentoctlDockerException\].*\n  Error: the registry answered 403\n  Hint: log in"),
        (_remove("result"), "ended without pushing an image"),
        (_stale_values, "ended without pushing an image"),
        (_other_layout, "image layout .* has sha256:other"),
    ],
)
def test_build_is_judged_by_what_it_left(tmp_path: Path, deed: Deed, message: str) -> None:
    """bentoctl's own error line, the cause from our image command, and each promised thing looked up."""
    job, bentoctl = make_job(tmp_path), driver(fake_bentoctl(build=deed))
    bentoctl.init(job)

    with pytest.raises(DeployerError, match=message) as caught:
        bentoctl.build(job)
    assert caught.value.log == job.log


@pytest.mark.parametrize("digest", [None, "sha256:other"])
def test_an_image_that_ecr_does_not_have_is_a_failed_build(tmp_path: Path, digest: str | None) -> None:
    """The last word has ECR itself."""
    job, bentoctl = make_job(tmp_path), driver(fake_bentoctl(), ecr=digest)
    bentoctl.init(job)

    with pytest.raises(DeployerError, match=f"but ECR repository digits has {digest or 'no such image'}"):
        bentoctl.build(job)


def test_build_needs_the_config_that_init_wrote(tmp_path: Path) -> None:
    """A config that changed since `init` is noticed before anything is built."""
    job = make_job(tmp_path)

    with pytest.raises(DeployerError, match="left no readable"):
        driver(fake_bentoctl()).build(job)

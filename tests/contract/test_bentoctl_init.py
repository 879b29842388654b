"""What we rely on in the real bentoctl 0.4.0: its registry, its prompts, its way with values."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml
from bento_samples import write_modern
from bentoctl_jobs import Workbench
from real_bentoctl import bentoctl_python

from deployer.config import DeploymentConfig, Spec
from deployer.tools.bentoctl import OPERATOR
from deployer.tools.bentoctl_answers import ask

HOSTILE = {
    "EMPTY": "",
    "ZERO": "0",
    "SPACES": "  x ",
    "QUOTES": 'it\'s "q" \\n \\',
    "TEMPLATE": "${HOME} %{if} $$",
    "MARKUP": "[/x] [red]y :rocket:",
    "LINES": "a\nb\r\nc\td",
    "UNICODE": "ünï 🚀 \u2028",
    "YAML": "null",
    "LONG": "x" * 3000,
    "1BAD": "x",
    "a-b": "y",
}


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    """No AWS is needed to answer prompts."""
    write_modern(tmp_path / "store", "digits:v1")
    return Workbench(tmp_path, "http://127.0.0.1:1")


def test_our_registry_file_is_the_one_that_operator_install_writes(tmp_path: Path) -> None:
    """Writing it ourselves saves a process; it must stay what bentoctl writes."""
    env = {
        **os.environ,
        "BENTOCTL_HOME": str(tmp_path),
        "BENTOML_HOME": str(tmp_path / "b"),
        "PYTHONWARNINGS": "ignore",
    }
    code = "from bentoctl.cli import bentoctl; bentoctl()"
    argv = [str(bentoctl_python()), "-c", code, "operator", "install", str(OPERATOR / "aws_lambda")]
    subprocess.run(argv, env={**env, "BENTOCTL_DO_NOT_TRACK": "True"}, check=True, timeout=120, capture_output=True)

    entry = {"path": str(OPERATOR / "aws_lambda"), "is_local": True, "is_official": False, "version": None}
    assert json.loads((tmp_path / "operators" / "operator_list.json").read_text()) == {"aws-lambda": entry}


@pytest.mark.parametrize(
    "config",
    [
        DeploymentConfig(name="digits"),
        DeploymentConfig(
            name="digits-Prod_1",
            spec=Spec(
                region="eu-west-1",
                timeout=1,
                memory_size=10240,
                auth="none",
                invoke_mode="RESPONSE_STREAM",
                event_route="/predict",
                documentation=False,
                repository="team/app/digits",
                description='say "hi" \\ ${x} [/x]\n0',
                log_retention_days=0,
                tags={"Owner": "me", "odd [/x]": "v", "empty": ""},
            ),
            env=HOSTILE,
        ),
    ],
    ids=["nothing set", "everything set"],
)
def test_bentoctl_writes_what_was_asked_and_every_value_arrives(bench: Workbench, config: DeploymentConfig) -> None:
    """deployment_config.yaml is the asked part, types included; the values for terraform are the whole config."""
    job = bench.job("digits", config)

    bench.bentoctl().init(job)

    assert yaml.safe_load((job.folder / "deployment_config.yaml").read_text()) == ask(config).document()
    values = json.loads(job.values_file.read_text())
    owner = {"deployer:name": config.name, "deployer:bento": "digits:v1"}
    assert values["environment"] == config.variables
    assert values["invoke_mode"] == config.spec.invoke_mode
    assert values["tags"] == {**config.spec.tags, **owner}
    assert (values["description"], values["log_retention_days"]) == (
        config.spec.description,
        config.spec.log_retention_days,
    )
    assert (values["region"], values["repository_name"]) == ("eu-west-1", config.spec.repository or config.name)
    assert sorted(path.name for path in job.terraform.glob("*.tf")) == ["main.tf", "variables.tf"]


def test_a_second_init_follows_the_template_and_keeps_the_image(bench: Workbench) -> None:
    """Files of an earlier template go, the state stays, and the known image stays named until the next push."""
    job = bench.job("digits", DeploymentConfig(name="digits"))
    job.terraform.mkdir(parents=True)
    (job.terraform / "old.tf").write_text("# from another template\n")
    (job.terraform / "terraform.tfstate").write_text("{}")
    job.values_file.write_text(json.dumps({"image_tag": "r:v0", "image_digest": "sha256:0", "name": "old"}))

    bench.bentoctl().init(job)

    assert sorted(path.name for path in job.terraform.iterdir()) == [
        "main.tf",
        "terraform.tfstate",
        "terraform.tfvars.json",
        "variables.tf",
    ]
    values = json.loads(job.values_file.read_text())
    assert (values["image_tag"], values["image_digest"], values["name"]) == ("r:v0", "sha256:0", "digits")
    assert job.values_file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("released", [True, False])
def test_a_second_init_keeps_what_the_release_added(bench: Workbench, released: bool) -> None:
    """A build that fails after it leaves values that are those of what is deployed: no drift."""
    job = bench.job("digits", DeploymentConfig(name="digits", spec=Spec(description="of the config")))
    job.terraform.mkdir(parents=True)
    kept = {"image_tag": "r:v0", "image_digest": "sha256:0", "description": "digits:v0 [abc]", "released": released}
    job.values_file.write_text(json.dumps({**kept, "timeout": 1}))

    bench.bentoctl().init(job)

    values = json.loads(job.values_file.read_text())
    assert {**kept, "timeout": Spec().timeout} == {name: values[name] for name in (*kept, "timeout")}

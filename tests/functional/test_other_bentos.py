"""Other Bentos than the example: values that are hard to carry, and a project of an older BentoML."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import urllib3
import uv
import yaml
from laptop import Laptop

HERE = Path(__file__).parent
OLDER_BENTOML = "1.3.22"
HARD = {
    "QUOTES": "\"double\" 'single'",
    "BACKSLASH": "C:\\new\\table",
    "LINES": "one\ntwo\r\n",
    "MARKUP": "[bold]x[/x] :rocket:",
    "UNICODE": "grüße 数字 🚀",
    "TERRAFORM": "${var.name} %{if true}",
    "EMPTY": "",
    "SPACES": "  kept  ",
    "LIKE_YAML": "null",
}


@pytest.fixture
def echo_config(laptop: Laptop) -> Path:
    """A config with values that bentoctl, terraform or a shell would each damage in its own way."""
    document = {
        "api_version": "v1",
        "name": "echo",
        "operator": {"name": "aws-lambda"},
        "template": "terraform",
        "spec": {"auth": "none", "repository": "team/echo", "description": HARD["QUOTES"], "tags": {"note": "a=b @c"}},
        "env": HARD,
    }
    path = laptop.folder / "echo.yaml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    return path


def test_hard_values_arrive_unchanged_at_the_function(laptop: Laptop, echo_config: Path) -> None:
    """Quotes, backslashes, newlines, markup, unicode in `env` and `spec`; a nested repository; `--build`."""
    project = laptop.folder / "echo_service"
    shutil.copytree(HERE / "echo_service", project)

    up = laptop.deployer_json("up", "--build", str(project), "--python", sys.executable, "-f", str(echo_config))

    assert up["bento"].startswith("echo.service:")
    assert "/team/echo:" in up["image_tag"]
    assert up["smoke_test"]["sampled"] is False  # no samples are named: /readyz was asked
    assert _post(f"{up['endpoint']}variables", {"names": list(HARD)}).json() == HARD
    values = json.loads((laptop.folder / ".deployer/echo/local/terraform/terraform.tfvars.json").read_text())
    assert values["description"].startswith(f"{HARD['QUOTES']} - {up['bento']} [image ")  # this Bento holds no model
    assert (values["tags"]["note"], up["models"]) == ("a=b @c", [])
    laptop.deployer("down", "--name", "echo")


def test_a_project_of_an_older_bentoml_keeps_its_own_environment(
    laptop: Laptop, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Built by BentoML 1.3 with the project's own Python, deployed by default config, signed, asked, removed."""
    environment = tmp_path_factory.mktemp("older") / "venv"
    _install(environment, f"bentoml=={OLDER_BENTOML}", "setuptools<82")
    project = laptop.folder / "older_service"
    shutil.copytree(HERE / "older_service", project)

    up = laptop.deployer_json("up", "--build", str(project), "--python", str(environment / "bin/python"))

    assert (up["function_name"], up["smoke_test"]["healthy"]) == ("older_sum", True)
    unsigned = _post(f"{up['endpoint']}add", [1, 2])
    assert unsigned.status == 403  # spec.auth is iam where no config says otherwise
    again = laptop.deployer_json("up", "--bento", up["bento"])
    assert (again["changed"], again["version"]) == (False, "1")
    assert laptop.deployer_json("smoke-test", "--name", "older_sum")["healthy"] is True
    laptop.deployer("down", "--name", "older_sum")


def _install(environment: Path, *packages: str) -> None:
    for arguments in (["venv", str(environment), "--python", sys.executable], ["pip", "install", *packages]):
        variables = ["--python", str(environment / "bin/python")] if arguments[0] == "pip" else []
        subprocess.run([uv.find_uv_bin(), *arguments, *variables, "--quiet"], check=True, timeout=300)


def _post(url: str, value: object) -> urllib3.BaseHTTPResponse:
    return urllib3.request("POST", url, json=value, retries=False, timeout=60)

"""README's commands, as they stand there, in a fresh copy of the repository: no environment, empty store and cache."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import uv
from laptop import PREDICTIONS, ROOT

from deployer.config import load_config

NOT_COPIED = (".git", ".venv", ".cache", ".deployer", ".bentoml", ".terraform", "__pycache__", "*.egg-info", ".*_cache")
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKE, DEPLOYER, RELEASES, IMAGE, AWS, INVOKE = re.findall(r"^```bash\n(.*?)^```", README, re.M | re.S)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The files of the repository in an empty folder; its local AWS is stopped afterwards."""
    home = tmp_path_factory.mktemp("newcomer")
    shutil.copytree(ROOT, home / "clone", ignore=shutil.ignore_patterns(*NOT_COPIED), symlinks=True)
    (home / "bin").mkdir()
    (home / "bin" / "uv").symlink_to(uv.find_uv_bin())
    yield home / "clone"
    _shell(home / "clone", ".venv/bin/deployer local stop")


def test_the_two_commands_of_the_first_screen(clone: Path) -> None:
    """`make demo` deploys and answers, its curl line works as pasted, and a second one says that nothing changed."""
    demo, test = (line.partition("#")[0].strip() for line in MAKE.strip().splitlines())
    assert (demo, test) == ("make demo", "make test")

    lines = _shell(clone, demo).splitlines()
    curl = [line for line in lines if line.startswith("curl ")]
    assert json.dumps(PREDICTIONS) in lines
    assert len(curl) == 1
    assert json.loads(_shell(clone, curl[0])) == PREDICTIONS

    assert "nothing changed" in _shell(clone, demo).splitlines()
    assert re.search(r"\d+ passed", _shell(clone, f"{test} PYTEST_OPTIONS='-q tests/unit/test_image_reuse.py'"))


def test_the_command_of_the_unionml_example(clone: Path) -> None:
    """`make demo-unionml` trains in an environment of its own, deploys and answers; a second one changes nothing."""
    assert "`make demo-unionml`" in README
    first = _shell(clone, "make demo-unionml").splitlines()
    assert json.dumps(PREDICTIONS) in first  # what training prints
    assert "[8.0]" == first[-1]

    again = _shell(clone, "make demo-unionml").splitlines()
    assert "nothing changed" in again
    assert "[8.0]" == again[-1]
    _shell(clone, ".venv/bin/deployer down --name unionml-digits --yes")


def test_the_command_for_an_api_without_http(clone: Path) -> None:
    """On what the demo has deployed: the same answer as from the URL."""
    shown = _shell(clone, f"source .venv/bin/activate\nset -e\n{INVOKE}")

    assert json.loads(shown) == PREDICTIONS


def test_the_commands_about_aws(clone: Path) -> None:
    """On what the demo has deployed, which is the only deployment of the folder."""
    shown = _shell(clone, f"source .venv/bin/activate\nset -e\n{AWS}")

    policy, _, state = shown.rpartition("\n}\n")
    assert "2012-10-17" == json.loads(f"{policy}\n}}")["Version"]
    assert "terraform.tfstate" in state


def test_the_commands_for_releases(clone: Path) -> None:
    """On what the demo has deployed, after a change of the config: forth in steps, back, forth again."""
    config = clone / "deployment_configs" / "digits_classifier.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace("memory_size: 1769", "memory_size: 1792"))

    shown = _shell(clone, f"source .venv/bin/activate\nexport BENTOML_HOME=$PWD/.bentoml\nset -e\n{RELEASES}")

    assert re.search(r"^traffic .*\bversion 1\b", shown, re.M)
    assert [("2", "2"), ("2", "2")] == re.findall(r"^version +(\d+)\nlive +(\d+)$", shown, re.M)
    assert re.search(r"^version +1\nprevious +2$", shown, re.M)
    assert ["nothing to remove", "no drift"] == re.findall(r"^(nothing to remove|no drift)\b", shown, re.M)


def test_the_commands_after_the_demo(clone: Path) -> None:
    """The three commands of the product, in the shell that the README describes."""
    shown = _shell(clone, f"set -e\n{DEPLOYER}")

    assert json.dumps(PREDICTIONS) in shown.splitlines()
    assert "removed aws_lambda_function.this" in shown.splitlines()


def test_the_commands_for_the_image_alone(clone: Path) -> None:
    """In the shell of the commands before: the Bento of the demo's store, and the environment on PATH."""
    shown = _shell(clone, f"source .venv/bin/activate\nexport BENTOML_HOME=$PWD/.bentoml\nset -e\n{IMAGE}")

    assert "scikit-learn" in shown
    assert json.loads((clone / "image" / "index.json").read_text(encoding="utf-8"))["manifests"]


def _shell(clone: Path, script: str) -> str:
    """Standard output of a script in a newcomer's shell, which must succeed."""
    hidden = ("VIRTUAL_ENV", "BENTOML_HOME", "PYTHONPATH", "XDG_CACHE_HOME", "XDG_STATE_HOME", "MAKEFLAGS", "MAKELEVEL")
    variables = {name: value for name, value in os.environ.items() if name not in hidden}
    variables |= {
        "PATH": f"{clone.parent / 'bin'}:{variables['PATH']}",
        "XDG_CACHE_HOME": str(clone.parent / "cache"),
        "XDG_STATE_HOME": str(clone.parent / "state"),
    }
    ended = subprocess.run(
        ["bash", "-c", script],
        cwd=clone,
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert ended.returncode == 0, f"{shlex.quote(script)}\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout


def test_the_config_of_the_readme_is_valid(tmp_path: Path) -> None:
    """The config shown is one that deployer takes, and the example's; so is it with what is shown about AWS."""
    shown, about_aws = re.findall(r"^```yaml\n(.*?)^```", README, re.M | re.S)
    (tmp_path / "digits.yaml").write_text(shown, encoding="utf-8")
    (tmp_path / "aws.yaml").write_text(f"{shown}{about_aws}", encoding="utf-8")

    config = load_config(tmp_path / "digits.yaml")
    prod = load_config(tmp_path / "aws.yaml", environment="prod")

    assert (config.name, config.bento, config.smoke_test.expected) == ("digits", "digits_classifier", PREDICTIONS)
    assert ("digits-prod", "aws", "eu-central-1") == (prod.name, prod.target, prod.spec.region)
    assert {"DATABASE_PASSWORD", "API_KEY"} == set(prod.secrets)

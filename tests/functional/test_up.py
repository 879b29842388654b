"""The main job on the local target: up, up again, smoke-test, curl, down, down again, with every real tool."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from dataclasses import replace
from pathlib import Path

from laptop import PREDICTIONS, Laptop

BIN = Path(sys.executable).parent  # where the command `deployer` is


def test_from_a_bento_to_a_url_and_back(laptop: Laptop, digits: str, config: Path) -> None:
    """Each command does its work the first time, says so, and has nothing to do the second time."""
    name = digits.partition(":")[0]

    first = laptop.deployer_json("up", "--bento", f"{name}:latest")
    assert (first["bento"], first["changed"], first["version"]) == (digits, True, "1")
    assert first["smoke_test"]["healthy"] is True
    assert first["smoke_test"]["response"] == PREDICTIONS
    assert first["endpoint"].startswith("http://127.0.0.1:")
    assert first["endpoint"].endswith("/")
    assert first["image_tag"].endswith(
        f".dkr.ecr.us-east-1.amazonaws.com/{first['function_name']}:{digits.partition(':')[2]}"
    )

    (model,) = first["models"]
    assert model == stored_model(laptop)
    (published,) = laptop.descriptions(first["function_name"])
    assert published.startswith(f"{digits} (model {model}) [image {first['image_digest'][:19]}, ")

    second = laptop.deployer_json("up", "--bento", f"{name}:latest")
    assert [published] == laptop.descriptions(first["function_name"])
    del first["smoke_test"], second["smoke_test"]
    assert second == {**first, "changed": False}

    tested = laptop.deployer("smoke-test")
    assert json.loads(tested.stdout) == PREDICTIONS

    shown = laptop.deployer("up").stdout.splitlines()
    curl = [line for line in shown if line.startswith("curl ")]
    assert len(curl) == 1
    assert json.loads(laptop.run(*shlex.split(curl[0])).stdout) == PREDICTIONS
    assert "nothing changed" in shown

    removed = laptop.deployer_json("down", "--yes")["removed"]
    assert "ECR repository digits" in removed
    assert "aws_lambda_function.this" in removed
    assert laptop.deployer_json("down", "--yes")["removed"] == []
    assert laptop.deployer("smoke-test", code=1).stderr.startswith("Error: Nothing is deployed here.")


def test_a_private_url_and_the_signed_curl_line(laptop: Laptop, digits: str, config: Path) -> None:
    """With `auth: iam` curl is refused without a signature and answered with the one that the printed line makes."""
    private = config.with_name("private.yaml")
    private.write_text(
        config.read_text().replace("name: digits\n", "name: private\n").replace("auth: none", "auth: iam")
    )

    shown = laptop.deployer("up", "--bento", digits, "-f", str(private)).stdout.splitlines()

    line = next(line for line in shown if line.startswith("curl "))
    shell = replace(laptop, variables={**laptop.variables, "PATH": f"{BIN}:{laptop.variables['PATH']}"})
    assert json.loads(shell.run("bash", "-c", line).stdout) == PREDICTIONS
    unsigned = line.partition(" --aws-sigv4")[0]
    assert json.loads(shell.run("bash", "-c", unsigned).stdout) == {"Message": "Forbidden"}
    assert json.loads(laptop.deployer("smoke-test", "--name", "private").stdout) == PREDICTIONS
    laptop.deployer("down", "--name", "private")
    private.unlink()


def test_a_lost_state_is_no_lost_deployment(laptop: Laptop, digits: str, config: Path) -> None:
    """Where `.deployer` is gone, or the clone it lay in, `up` takes over what is there and goes on from it."""
    first = laptop.deployer_json("up", "--bento", digits)
    shutil.rmtree(laptop.folder / ".deployer" / "digits")

    second = laptop.deployer("up", "--bento", digits, "--output", "json")

    assert "digits is there already: 11 resources are taken over." in second.stderr
    found = json.loads(second.stdout)
    assert (found["endpoint"], found["version"]) == (first["endpoint"], first["version"])
    assert laptop.deployer_json("up", "--bento", digits)["changed"] is False
    assert len(laptop.deployer_json("down")["removed"]) == 12


def stored_model(laptop: Laptop) -> str:
    """The newest version of the example's model in the BentoML store."""
    folder = Path(laptop.variables["BENTOML_HOME"], "models", "digits_classifier")
    return f"{folder.name}:{(folder / 'latest').read_text().strip()}"

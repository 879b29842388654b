"""`deployer up` to the local target with an image that has a system of its own, made without and with Docker."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from laptop import EXAMPLE, PREDICTIONS, ROOT, Laptop


@pytest.mark.parametrize("builder", ["auto", "docker"])
def test_from_a_bento_to_a_url_and_back(
    laptop: Laptop, digits: str, engine: dict[str, str], base_image: str, tmp_path: Path, *, builder: str
) -> None:
    """The same answers from either image; a second `up` has nothing to do, and `down` leaves nothing."""
    config = yaml.safe_load((ROOT / "deployment_configs" / "digits_classifier.yaml").read_text(encoding="utf-8"))
    config["image"] = {"builder": builder, "base": base_image}
    config["smoke_test"]["samples"] = str(EXAMPLE / "data" / "sample_features.json")
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config | {"name": f"based-{builder}"}), encoding="utf-8")
    here = replace(laptop, folder=tmp_path, variables={**laptop.variables, **engine})

    first = here.deployer_json("up", "--bento", digits, "-f", "config.yaml")
    assert (first["changed"], first["smoke_test"]["response"]) == (True, PREDICTIONS)
    second = here.deployer_json("up", "--bento", digits, "-f", "config.yaml")
    assert (second["changed"], second["image_digest"]) == (False, first["image_digest"])

    assert json.loads(here.deployer("smoke-test").stdout) == PREDICTIONS
    assert "aws_lambda_function.this" in here.deployer_json("down", "--yes")["removed"]

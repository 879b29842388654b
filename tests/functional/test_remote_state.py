"""A deployment on the local target whose state moves to S3: as a user does it, command by command."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
from laptop import Laptop

BACKEND = "\nterraform:\n  backend: {type: s3, bucket: team-states}\n"
CONFIG = ("-f", "deployment_configs/digits_classifier.yaml")
KEY = "deployer/digits/us-east-1/terraform.tfstate"
LOCK = {"ID": "1b1e", "Who": "ann@desk", "Operation": "OperationTypeApply", "Created": "2026-11-23T04:17:19.2Z"}


def s3_of(laptop: Laptop) -> Any:
    user, _, password = laptop.deployer("local", "credentials").stdout.strip().partition(":")
    endpoint = laptop.deployer_json("local", "status")["endpoint"]
    return boto3.client(
        "s3", "us-east-1", endpoint_url=endpoint, aws_access_key_id=user, aws_secret_access_key=password
    )


def test_a_state_moves_to_s3_is_shared_unlocked_and_removed(laptop: Laptop, digits: str, config: Path) -> None:
    """Nothing is made again by the move; a second folder works with the state, and a third one takes all down."""
    version = laptop.deployer_json("up", "--bento", digits)["version"]
    config.write_text(config.read_text() + BACKEND)

    refused = laptop.deployer("up", "--bento", digits, code=1).stderr
    assert "The bucket team-states of terraform.backend is not there." in refused
    assert "deployer state bucket" in refused
    made = laptop.deployer_json("state", "bucket")["done"]
    assert "bucket team-states made in us-east-1" == made[0]
    assert [] == laptop.deployer_json("state", "bucket")["done"]
    before = laptop.deployer_json("state", "show")
    assert f"s3://team-states/{KEY}" == before["moves_to"]

    moved = laptop.deployer("up", "--bento", digits, "--output", "json")
    assert f"The terraform state is moved from this disk to s3://team-states/{KEY}" in moved.stderr
    assert (version, False) == (json.loads(moved.stdout)["version"], json.loads(moved.stdout)["changed"])
    shown = laptop.deployer_json("state", "show")
    assert {**before, "place": f"s3://team-states/{KEY}", "moves_to": None} == shown
    assert {"drift": [], "drifted": False} == laptop.deployer_json("drift")

    colleague = checkout(laptop, "colleague")
    again = colleague.deployer("up", "--bento", digits, "--refresh", "--output", "json")
    assert "taken over" not in again.stderr
    assert (version, False) == (json.loads(again.stdout)["version"], json.loads(again.stdout)["changed"])

    s3 = s3_of(laptop)
    s3.put_object(Bucket="team-states", Key=f"{KEY}.tflock", Body=json.dumps(LOCK))
    holder = "terraform of ann@desk since 2026-11-23T04:17:19Z (OperationTypeApply)"
    locked = laptop.deployer("up", "--bento", digits, "--refresh", code=1).stderr
    assert holder in locked and "deployer force-unlock" in locked
    assert holder in laptop.deployer("down", "--yes", code=1).stderr
    assert {"id": "1b1e", "holder": holder} == laptop.deployer_json("state", "show")["lock"]
    assert f"lock 1b1e, held by {holder}" in laptop.deployer("force-unlock", "--yes").stdout

    fresh = checkout(laptop, "fresh")
    assert f"s3://team-states/{KEY}" == fresh.deployer_json("state", "show", *CONFIG)["place"]
    assert fresh.deployer_json("smoke-test", *CONFIG)["healthy"]
    assert {"drift": [], "drifted": False} == fresh.deployer_json("drift", *CONFIG)
    removed = fresh.deployer_json("down", "--yes", *CONFIG)
    assert f"terraform state s3://team-states/{KEY}" in removed["removed"]
    assert {"aws_lambda_function.this", "ECR repository digits"} < set(removed["removed"])
    assert [f"earlier versions of s3://team-states/{KEY}, where its bucket keeps versions"] == removed["kept"]
    assert "Contents" not in s3.list_objects_v2(Bucket="team-states")
    assert [] == fresh.deployer_json("down", "--yes", *CONFIG)["removed"]


def checkout(laptop: Laptop, name: str) -> Laptop:
    """The user in a folder of the project where nothing was deployed from."""
    clone = replace(laptop, folder=laptop.folder / name)
    for part in ("deployment_configs", "examples"):
        shutil.copytree(laptop.folder / part, clone.folder / part)
    return clone

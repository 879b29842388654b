"""terraform finds every setting on the local AWS as it made it: the plan after an apply has nothing to change."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from local_aws import ask
from local_endpoint import LocalEndpoint
from template_on_local_aws import TemplateOnLocalAws

MAIN = Path(__file__).parent / "local_settings" / "main.tf"
LABELS = {"com.amazonaws.lambda.feature.snapstart": "Allow"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TemplateOnLocalAws]:
    endpoint = LocalEndpoint(tmp_path_factory.mktemp("blobs"))
    folder = tmp_path_factory.mktemp("terraform")
    shutil.copy(MAIN, folder)
    images = {
        "image": endpoint.image("settings", "plain"),
        "snapped_image": endpoint.image("settings", "labelled", labels=LABELS),
    }
    (folder / "terraform.tfvars.json").write_text(json.dumps(images))
    working = TemplateOnLocalAws(folder, endpoint)
    working.up()
    yield working
    endpoint.close()


def test_the_plan_after_an_apply_is_empty(made: TemplateOnLocalAws) -> None:
    """Network, file system, destinations, logs, key, tracing, concurrency, snapshots, CORS, HTTP API, ECR."""
    assert () == made.up()


def test_the_api_that_terraform_made_answers(made: TemplateOnLocalAws) -> None:
    """Below its stage, through the alias; a private route asks for a signature, and a permission of its own."""
    (api,) = made.client("apigatewayv2").get_apis()["Items"]
    endpoint = f"{api['ApiEndpoint']}/v1"
    assert ask("GET", f"{endpoint}/predict").data == b"1"
    ask("POST", f"{endpoint}/private", status=403)
    ask("GET", f"{api['ApiEndpoint']}/predict", status=404)
    preflight = {"Origin": "https://app.example.com", "Access-Control-Request-Method": "POST"}
    answer = ask("OPTIONS", f"{endpoint}/predict", headers=preflight, status=204)
    methods = answer.headers["Access-Control-Allow-Methods"].split(",")
    assert ({"GET", "POST"}, "600") == (set(methods), answer.headers["Access-Control-Max-Age"])

"""`endpoint: http_api` on the local target: a stage in the path, signed requests, other origins, nothing left over."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import urllib3
import yaml
from laptop import Laptop
from release_desk import Desk

ORIGIN = "https://app.example.com"


@pytest.fixture
def desk(laptop: Laptop, tmp_path: Path) -> Desk:
    made = Desk(replace(laptop, folder=tmp_path), tmp_path / "gateway.yaml", bento="gateway")
    made.build()
    return made


def test_an_api_with_a_stage_from_up_to_down(desk: Desk) -> None:
    """The candidate is tested by its URL, the API by a signed request; browsers may ask first, nobody else may."""
    desk.write("one", auth="iam")
    config = yaml.safe_load(desk.config.read_text())
    cors = {"allow_origins": [ORIGIN], "allow_methods": ["POST"]}
    config["spec"] |= {"endpoint": "http_api", "stage": "prod", "timeout": 60, "cors": cors}
    desk.config.write_text(yaml.safe_dump(config))

    said = desk.laptop.deployer("up", "-f", str(desk.config))
    assert "spec.endpoint is http_api, which answers 503 after 30 s; spec.timeout is 60 s" in said.stderr
    assert ":execute-api" in said.stdout
    again = desk.without_terraform.up()
    url = again["endpoint"]
    assert (False, True) == (again["changed"], url.endswith("/prod/"))
    assert not desk.without_terraform.ran_terraform()

    refused = urllib3.request("POST", f"{url}variables", json={"names": ["GREETING"]}, retries=False, timeout=60)
    assert (403, {"message": "Forbidden"}) == (refused.status, refused.json())
    asks = {"origin": ORIGIN, "access-control-request-method": "POST"}
    preflight = urllib3.request("OPTIONS", f"{url}variables", headers=asks, retries=False, timeout=60)
    assert (204, ORIGIN) == (preflight.status, preflight.headers["access-control-allow-origin"])

    removed = desk.laptop.deployer_json("down", "-f", str(desk.config), "--yes")["removed"]
    assert {"aws_apigatewayv2_api.live[0]", "aws_apigatewayv2_stage.live[0]"} <= set(removed)

"""`deployer invoke` on the local target: by route, with an event for the route that the config names, and refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3
from laptop import PREDICTIONS, Laptop

SAMPLES = "examples/digits_classifier/data/sample_features.json"


@pytest.fixture
def with_events(config: Path) -> Iterator[Path]:
    """The example's config with a route for events and without documentation."""
    text = config.read_text().replace("auth: none", "auth: none\n  event_route: /predict\n  documentation: false")
    path = config.with_name("events.yaml")
    path.write_text(text.replace("name: digits\n", "name: events\n"))
    yield path
    path.unlink()


def test_an_api_is_asked_without_http(laptop: Laptop, digits: str, with_events: Path) -> None:
    """Each way to ask, each twice, and every failure with the exit code that says whose it is."""
    assert "Nothing is deployed here" in laptop.deployer("invoke", "/predict", "--data", "[]", code=1).stderr
    endpoint = laptop.deployer_json("up", "--bento", digits, "-f", str(with_events))["endpoint"]
    assert urllib3.request("GET", f"{endpoint}docs.json").status == 404

    for _ in range(2):
        asked = laptop.deployer("invoke", "/predict", "--data-file", SAMPLES)
        assert json.loads(asked.stdout) == PREDICTIONS
        assert "POST /predict: version 1 of events answered" in asked.stderr
        assert json.loads(laptop.deployer("invoke", "--event", SAMPLES, "--name", "events").stdout) == PREDICTIONS
    event = laptop.folder / "http.json"
    http = {"method": "GET", "path": "/readyz", "sourceIp": "127.0.0.1"}
    event.write_text(json.dumps({"version": "2.0", "rawPath": "/readyz", "requestContext": {"http": http}}))
    told = laptop.deployer_json("invoke", "--event", str(event))
    assert (told["function_name"], told["version"], told["error"]) == ("events", "1", None)
    assert told["answer"]["statusCode"] == 200

    refused = laptop.deployer("invoke", "--data", '{"rows": "none"}', "--output", "json", code=1)
    assert json.loads(refused.stdout)["error"]["type"] == "RouteFailed"
    assert "Error: events failed with RouteFailed: POST /predict answered 400: " in refused.stderr
    assert "has no route /nowhere. " in " ".join(laptop.deployer("invoke", "/nowhere", code=2).stderr.split("\n"))
    assert "--data is not JSON" in laptop.deployer("invoke", "--data", "{", code=2).stderr

    laptop.deployer("down", "--name", "events")


def test_a_route_for_events_that_the_bento_lacks_is_told_before_anything_is_made(
    laptop: Laptop, digits: str, with_events: Path
) -> None:
    """Not by the first event after the deployment."""
    with_events.write_text(with_events.read_text().replace("event_route: /predict", "event_route: /predcit"))

    told = laptop.deployer("up", "--bento", digits, "-f", str(with_events), code=2).stderr

    assert "spec.event_route: the Bento has no route /predcit." in told
    assert "Did you mean /predict? Its routes: /predict." in told
    assert "nothing to remove" in laptop.deployer("down").stdout

"""Sample files and routes, good and bad, before anything is deployed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deployer.config import SmokeTest
from deployer.errors import BadInput
from deployer.models import Route
from deployer.stages.samples import check_samples

ROWS = {
    "type": "object",
    "properties": {"rows": {"type": "array", "items": {"type": "object", "required": ["age"]}}},
    "required": ["rows"],
}
PREDICT, SCORE = Route("predict", "/predict", ROWS), Route("score", "/v1/score")


def written(folder: Path, content: str | bytes) -> Path:
    file = folder / "samples.json"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def refusal(options: SmokeTest, *routes: Route) -> BadInput:
    with pytest.raises(BadInput) as refused:
        check_samples(options, routes)
    return refused.value


def test_no_samples_is_nothing_to_check() -> None:
    """A config without samples is fine, whatever the Bento serves."""
    assert check_samples(SmokeTest(), (PREDICT, SCORE)) is None


@pytest.mark.parametrize("route", ["", "predict", "/predict"])
def test_the_route_is_the_only_one_or_the_named_one(tmp_path: Path, route: str) -> None:
    """A route is named by its path or by its API's name."""
    file = written(tmp_path, '{"rows": [{"age": 3}]}')
    routes = (PREDICT,) if not route else (SCORE, PREDICT)
    samples = check_samples(SmokeTest(samples=file, route=route), routes)
    assert samples is not None
    assert (samples.route, samples.body) == (PREDICT, file.read_bytes())


def test_a_bento_that_states_no_routes_takes_the_named_one(tmp_path: Path) -> None:
    """Where the Bento says nothing, the config's word is taken."""
    samples = check_samples(SmokeTest(samples=written(tmp_path, "[]"), route="predict"), ())
    assert samples is not None
    assert samples.route == Route("predict", "/predict")


def test_several_routes_and_none_named_lists_them(tmp_path: Path) -> None:
    """The message names what may be chosen."""
    refused = refusal(SmokeTest(samples=written(tmp_path, "[]")), PREDICT, SCORE)
    assert refused.message == "smoke_test.route is missing: the Bento has 2 routes."
    assert refused.hint == "Name the route that takes the samples, one of /predict, /v1/score."


@pytest.mark.parametrize("with_samples", [True, False])
def test_an_unknown_route_is_refused_with_a_near_miss(tmp_path: Path, with_samples: bool) -> None:
    """A typing error is found even where no samples are named yet."""
    file = written(tmp_path, "[]") if with_samples else None
    refused = refusal(SmokeTest(samples=file, route="/predcit"), PREDICT, SCORE)
    assert refused.message == "smoke_test.route: the Bento has no route /predcit."
    assert refused.hint == "Did you mean /predict? Its routes: /predict, /v1/score."


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The key, the whole path and the reason are told."""
    file = tmp_path / "absent.json"
    refused = refusal(SmokeTest(samples=file), SCORE)
    assert refused.message == f"smoke_test.samples: {file} cannot be read: No such file or directory."
    assert refused.exit_code == 2


def test_a_folder_is_no_sample_file(tmp_path: Path) -> None:
    """Anything else that cannot be read is told in the system's words."""
    assert "Is a directory" in refusal(SmokeTest(samples=tmp_path), SCORE).message


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('[{"a": 1}\n {}]', "line 2 column 2"),
        ("", "line 1 column 1"),
        ("[NaN]", "NaN is not a JSON value"),
        ("[1, -Infinity]", "-Infinity is not a JSON value"),
        (b"[\xff]", "invalid start byte"),
        ("[" * 100_000, "recursion"),
    ],
    ids=["no comma", "empty", "NaN", "Infinity", "not UTF-8", "nested too deep"],
)
def test_what_is_not_json_is_refused_with_the_place(tmp_path: Path, content: str | bytes, said: str) -> None:
    """The file and where in it the JSON ends to be JSON."""
    file = written(tmp_path, content)
    refused = refusal(SmokeTest(samples=file), SCORE)
    assert refused.message.startswith(f"smoke_test.samples: {file} is not JSON: ")
    assert said in refused.message


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[]", "at $: expected object, found array"),
        ("{}", "at $: 'rows' is a required property"),
        ('{"rows": [{"age": 1}, {"name": 2}]}', "at $.rows[1]: 'age' is a required property"),
        ('{"rows": null}', "at $.rows: expected array, found null"),
    ],
)
def test_what_the_route_does_not_take_is_refused_with_its_path(tmp_path: Path, content: str, said: str) -> None:
    """The file, the route, the JSON path and what was expected there."""
    file = written(tmp_path, content)
    refused = refusal(SmokeTest(samples=file), PREDICT)
    assert refused.message == f"smoke_test.samples: {file} is not what /predict takes: {said}."


@pytest.mark.parametrize(
    ("schema", "name"),
    [({"type": "file", "root_input": True}, "body"), ({"properties": {"photo": {"type": "file"}}}, "photo")],
)
def test_a_route_that_takes_a_file_cannot_be_sampled(tmp_path: Path, schema: dict[str, Any], name: str) -> None:
    """JSON cannot carry a file: said before the deployment and with the way out."""
    refused = refusal(SmokeTest(samples=written(tmp_path, "{}")), Route("see", "/see", schema))
    assert refused.message == f"smoke_test.samples: /see takes a file ({name}), and samples are sent as JSON."


def test_more_than_one_lambda_event_holds_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    """The file is a JSON string in the event, so each quote counts twice: of 6 MB with spaces and with quotes."""
    spaces = written(tmp_path, f"[{' ' * 6_000_000}]")
    assert check_samples(SmokeTest(samples=spaces), (SCORE,)) is not None
    quotes = written(tmp_path, json.dumps([""] * 2_000_000, separators=(",", ":")))
    refused = refusal(SmokeTest(samples=quotes), SCORE)
    assert refused.message == (
        f"smoke_test.samples: {quotes} is too large for Lambda:"
        " 10,000,003 bytes in its event, which may have 6,291,456."
    )

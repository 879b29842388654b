"""The handler of an image under AWS's own runtime interface client, serving a Bento that BentoML built."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from bento_projects import HANDLER, REPOSITORY, build, image_variables, install_handler, lay_out
from lambda_runtime_api import FunctionProcess, function_process, http_event

SERVICES = Path(__file__).parent
SANDBOX = REPOSITORY / "deployer/tools/sandbox.sh"


@dataclass(frozen=True)
class Image:
    """What an image would hold, and how to start it with the environment it would set."""

    bento: Path
    handler: Path
    folder: Path

    def start(self, **more: str) -> AbstractContextManager[FunctionProcess]:
        """The handler in a folder of its own, with more variables where a test gives some."""
        run = Path(tempfile.mkdtemp(dir=self.folder))
        env = {**image_variables(self.bento, handler=self.handler, temporary=run / "tmp"), **more}
        return function_process(HANDLER, env=env, cwd=self.bento / "src", log=run / "log")


@pytest.fixture(scope="module")
def handler(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The handler layer of every image."""
    return install_handler(tmp_path_factory.mktemp("handler") / "deployer")


def image_of(service: str, *, handler: Path, folder: Path) -> Image:
    project, store = folder / "project", folder / "store"
    shutil.copytree(SERVICES / service, project)
    bento = lay_out(build(project, store=store), store=store, folder=folder / "bento")
    return Image(bento, handler, folder)


@pytest.fixture(scope="module")
def image(handler: Path, tmp_path_factory: pytest.TempPathFactory) -> Image:
    """The Probe service, built and laid out beside the handler."""
    return image_of("runtime_service", handler=handler, folder=tmp_path_factory.mktemp("image"))


@pytest.fixture(scope="module")
def function(image: Image) -> Iterator[FunctionProcess]:
    """One warm function, shared by the tests that only ask."""
    with image.start() as running:
        yield running


def test_answers_an_api_as_bentoml_does(function: FunctionProcess) -> None:
    """A request of a function URL gets the API's result as JSON."""
    answer = function.request("POST", "/double", '{"value": 2.5}')
    assert answer["statusCode"] == 200
    assert answer["headers"]["content-type"] == "application/json"
    assert json.loads(answer["body"]) == 5.0


def test_starts_the_service_once_for_many_requests(function: FunctionProcess) -> None:
    """The service is constructed at the cold start and not again: its models are loaded once."""
    counts = [function.request("POST", "/started", "{}")["body"] for _ in range(3)]
    assert counts == ["1", "1", "1"]


def test_bad_input_is_the_services_own_400(function: FunctionProcess) -> None:
    """What the service refuses comes back as its own error, and the function lives on."""
    answer = function.request("POST", "/double", '{"value": "two"}')
    assert answer["statusCode"] == 400
    assert "valid number" in answer["body"]
    assert function.request("POST", "/double", '{"value": 1}')["body"] == "2.0"


def test_answers_the_health_routes(function: FunctionProcess) -> None:
    """The smoke test's route without samples is there."""
    assert [function.request("GET", path)["statusCode"] for path in ("/readyz", "/livez")] == [200, 200]


@pytest.mark.parametrize("path", ["/metrics", "/metrics/"])
def test_metrics_are_not_found(function: FunctionProcess, path: str) -> None:
    """BentoML's metrics route, which crashes without its server, is answered before it."""
    assert function.request("GET", path)["statusCode"] == 404


def test_binary_answers_are_encoded(function: FunctionProcess, tmp_path: Path) -> None:
    """A file comes back base64 encoded and marked so, as Lambda asks."""
    answer = function.request("POST", "/picture", json.dumps({"folder": str(tmp_path)}))
    assert answer["isBase64Encoded"] is True
    assert base64.b64decode(answer["body"]) == b"\x89PNG\r\n\xff"


def test_answers_a_rest_api_event(function: FunctionProcess) -> None:
    """Payload version 1.0, as REST APIs send it, is served too."""
    event = {
        "resource": "/{proxy+}",
        "path": "/double",
        "httpMethod": "POST",
        "headers": {"content-type": "application/json"},
        "queryStringParameters": None,
        "requestContext": {"httpMethod": "POST", "identity": {"sourceIp": "127.0.0.1"}},
        "body": '{"value": 4}',
        "isBase64Encoded": False,
    }
    answer = function.invoke(event)
    assert answer.kind == "response"
    assert (answer.body["statusCode"], answer.body["body"]) == (200, "8.0")


def test_an_http_api_s_stage_is_no_part_of_the_route(function: FunctionProcess) -> None:
    """And a part of what the service tells its clients to ask: of a redirect, here."""

    def ask(method: str, path: str, body: str = "") -> Any:
        event = http_event(method, path, body)
        event["headers"]["host"] = "abc.execute-api.us-east-1.amazonaws.com"
        event["requestContext"] |= {"stage": "prod", "domainName": event["headers"]["host"]}
        return function.invoke(event).body

    assert ask("POST", "/prod/double", '{"value": 4}')["body"] == "8.0"
    assert [ask("GET", path)["statusCode"] for path in ("/prod/readyz", "/prod", "/prod/docs.json")] == [200] * 3
    assert ask("GET", "/prod/metrics")["statusCode"] == 404
    moved = ask("POST", "/prod/double/", '{"value": 4}')
    assert moved["statusCode"] == 307
    assert moved["headers"]["location"] == "https://abc.execute-api.us-east-1.amazonaws.com/prod/double"
    assert '"route": "POST /double"' in function.log


def test_other_events_are_refused_by_name(function: FunctionProcess) -> None:
    """An event that is no HTTP request is a function error that says so; the next request is served."""
    answer = function.invoke({"source": "aws.events"})
    assert (answer.kind, answer.body["errorType"]) == ("error", "UnsupportedEvent")
    assert "answers HTTP requests" in answer.body["errorMessage"]
    assert function.request("GET", "/readyz")["statusCode"] == 200


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("import", "No module named 'a_library_that_is_not_there'"), ("init", "ValueError: the weights are torn")],
)
def test_a_service_that_cannot_start_answers_so(image: Image, fault: str, reason: str) -> None:
    """The log has one line with the reason, whose text no client sees."""
    with image.start(TEST_FAULT=fault) as function:
        answer = function.request("POST", "/double", '{"value": 2}')
        lines = [line for line in function.log.splitlines() if '"errorType"' in line]
    assert answer["statusCode"] == 503
    assert "could not be started" in answer["body"]
    assert reason not in answer["body"]
    assert len(lines) == 1
    record = json.loads(lines[0])
    assert ("ERROR", "deployer") == (record["level"], record["logger"])
    assert "could not be started" in record["message"]
    assert reason in record["message"]


def test_a_missing_bento_is_named_in_the_log(image: Image, tmp_path: Path) -> None:
    """By the wrong BENTO_PATH."""
    with image.start(BENTO_PATH=str(tmp_path / "nowhere")) as function:
        assert function.request("GET", "/readyz")["statusCode"] == 503
        assert f"the Bento at {tmp_path / 'nowhere'} could not be started" in function.log


def test_needs_no_writable_file_system_but_tmp(image: Image, tmp_path: Path) -> None:
    """As an unprivileged user without /dev/shm, on a read-only file system with a private /tmp, requests are served."""
    sandbox = ["unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child"]
    if shutil.which("unshare") is None or subprocess.run([*sandbox, "true"], check=False).returncode:
        pytest.skip("user namespaces are not allowed here")
    root = tmp_path / "root"
    root.mkdir()
    seen = ["/usr", "/bin", "/lib", "/lib64", "/etc", sys.base_prefix, sys.prefix, sysconfig.get_path("purelib")]
    paths = [*dict.fromkeys(seen), str(image.bento), str(image.handler)]
    argv = [*sandbox, "sh", str(SANDBOX), str(root), "64", *paths, "--", str(image.bento / "src"), *HANDLER]
    env = image_variables(image.bento, handler=image.handler, temporary=Path("/tmp"))  # noqa: S108 - the sandbox's own
    with function_process(argv, env=env, cwd=tmp_path, log=tmp_path / "log") as function:
        assert function.request("POST", "/writes", '{"path": "/tmp/file"}')["body"] == "written"
        refused = function.request("POST", "/writes", json.dumps({"path": str(image.bento / "file")}))
    assert refused["statusCode"] == 500
    assert not (image.bento / "file").exists()


def test_serves_a_legacy_service_with_its_runner(handler: Path, tmp_path: Path) -> None:
    """The style of BentoML 1.0 to 1.3, runners in the same process, is served by the same handler."""
    with image_of("runtime_legacy_service", handler=handler, folder=tmp_path).start() as function:
        answer = function.request("POST", "/double", '{"value": 21}')
        assert (answer["statusCode"], answer["body"]) == (200, "42")
        assert function.request("GET", "/metrics")["statusCode"] == 404


def test_the_log_is_json_with_a_record_of_each_request(image: Image) -> None:
    """Route, status, duration and the request's id, once; BentoML's own line of it is not there."""
    with image.start() as function:
        function.request("POST", "/double?x=1", '{"value": 1}')
        lines = [line for line in function.log.splitlines() if line.strip()]
    records = [json.loads(line) for line in lines]
    record = records[-1]
    assert (record["route"], record["status"], record["level"]) == ("POST /double", 200, "INFO")
    assert record["durationMs"] > 0
    assert record["requestId"] == "00000000-0000-4000-8000-000000000000"
    assert [other["logger"] for other in records if other["logger"] == "bentoml.access"] == []


def test_a_plain_event_reaches_the_route_that_it_names(function: FunctionProcess) -> None:
    """The result of the invocation is the API's result alone, or a function error."""
    assert function.invoke({"route": "/double", "body": {"value": 4}}).body == 8.0
    answer = function.invoke({"route": "/double", "body": {"value": "two"}})
    assert (answer.kind, answer.body["errorType"]) == ("error", "RouteFailed")
    assert "POST /double answered 400" in answer.body["errorMessage"]

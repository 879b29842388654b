"""The streaming runtime as a process, serving a Bento that BentoML built, under the local AWS's Runtime API."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bento_projects import build, image_variables, install_handler, lay_out
from lambda_runtime_api import http_event
from local_aws import ACCOUNT, REGION, FakeControlPlane, within

from deployer.local.chunked import ChunkedHandler
from deployer.local.execution_environment import ExecutionEnvironment
from deployer.local.function_logs import FunctionLogs
from deployer.local.function_process import NotStarted
from deployer.local.functions import FunctionName, FunctionVersion
from deployer.local.invocation import Answer, Invocation
from deployer.local.live_response import BrokenOff, LiveResponse
from deployer.local.runtime_api import RuntimeApi
from deployer.local.server import Listener
from deployer.local.streamed_url import Running
from deployer.tools.http_integration import CONTENT_TYPE, whole

VERSION = FunctionVersion(
    FunctionName(ACCOUNT, REGION, "teller"), "1", "sha256:0", timeout=60, memory_size=512, ephemeral_storage=512
)


class Function(NotStarted):
    """The runtime's process and its execution environment. `log` is its output."""

    def __init__(self, bento: Path, handler: Path, folder: Path) -> None:
        self.log = folder / "log"
        self.environment = ExecutionEnvironment(VERSION, logs=FunctionLogs(FakeControlPlane()))
        self._api = Listener(RuntimeApi(self.environment).answer, handler=ChunkedHandler)
        variables = image_variables(bento, handler=handler, temporary=folder / "tmp")
        with self.log.open("wb") as output:
            self.child = subprocess.Popen(
                [sys.executable, "-m", "deployer_runtime.streaming", "deployer_runtime.handler.handle"],
                env={
                    **variables,
                    "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._api.port}",
                    "DEPLOYER_EVENT_ROUTE": "/double",
                },
                cwd=bento / "src",
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.environment.start(lambda stream, line, exited: self)

    def kill(self) -> None:
        self.alive = False
        self.child.kill()
        self.child.wait()

    def close(self) -> None:
        self.environment.end()
        self._api.close()

    def invoke(self, event: Any, *, live: LiveResponse | None = None) -> Answer:
        return self.environment.invoke(Invocation(json.dumps(event).encode(), "arn", live=live))

    def stream(self, path: str, body: Any) -> tuple[Running, LiveResponse]:
        """A request through a function URL that streams; the first piece is the prelude."""
        live = LiveResponse()
        return Running(lambda: self.invoke(http_event("POST", path, json.dumps(body)), live=live), live), live

    def records(self) -> list[dict[str, Any]]:
        lines = [line for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Function]:
    folder = tmp_path_factory.mktemp("teller")
    project, store = folder / "project", folder / "store"
    shutil.copytree(Path(__file__).parent / "streaming_service", project)
    bento = lay_out(build(project, store=store), store=store, folder=folder / "bento")
    running = Function(bento, install_handler(folder / "deployer"), folder)
    yield running
    running.close()


@pytest.mark.parametrize("path", ["/tell", "/tell_in_a_thread"])
def test_a_generators_first_piece_is_seen_before_its_last_is_made(
    function: Function, path: str, tmp_path: Path
) -> None:
    """The generator goes on when the test has made the file that it waits for, and that is after the first piece."""
    gate = tmp_path / "gate"
    running, live = function.stream(path, {"gate": str(gate)})
    assert (True, CONTENT_TYPE) == (live.wait(), live.content_type), running.answer()
    prelude = json.loads(next(live).removesuffix(bytes(8)))
    assert (200, b"first,") == (prelude["statusCode"], next(live))
    gate.touch()
    assert b"".join(live) == b"last"
    assert running.answer().error == ""


def test_an_error_in_the_middle_breaks_the_response_off(function: Function) -> None:
    """The type is Lambda's function error, the log has the rest, and the process lives on."""
    running, live = function.stream("/mounted/torn", {})
    assert (b"first,", True) == ([next(live), next(live)][1], live.wait())
    with pytest.raises(BrokenOff):
        b"".join(live)
    assert json.loads(running.answer().payload) == {"errorType": "ValueError", "errorMessage": "torn"}
    assert any("POST /mounted/torn failed: ValueError: torn" in record["message"] for record in function.records())
    assert function.child.poll() is None


def test_an_answer_that_is_not_streamed_has_the_same_form(function: Function) -> None:
    """An API that returns is one piece: status, headers and body as from any server."""
    answer = whole(function.invoke(http_event("POST", "/double", '{"value": 2}')).payload)
    assert (200, b"4.0") == (answer.status, answer.body)
    refused = whole(function.invoke(http_event("POST", "/double", '{"value": "two"}')).payload)
    assert refused.status == 400


def test_a_response_that_is_refused_ends_its_generator(function: Function) -> None:
    """An endless one is over Invoke's limit: the process takes further requests, and among them runs its clean-up."""
    answer = function.invoke(http_event("POST", "/endless", "{}"))
    assert json.loads(answer.payload)["errorType"] == "Function.ResponseSizeTooLarge"
    assert within(10, lambda: whole(function.invoke(http_event("POST", "/endings", "{}")).payload).body == b"1")
    assert [record["level"] for record in function.records() if "POST /endless was cut off" in record["message"]] == [
        "WARNING"
    ]


def test_events_that_take_no_pieces_are_answered_whole(function: Function) -> None:
    """A plain Invoke gets its JSON, an HTTP API its document."""
    assert json.loads(function.invoke({"value": 21}).payload) == 42.0
    event = http_event("POST", "/double", '{"value": 4}')
    event["requestContext"]["domainName"] = "x.execute-api.us-east-1.amazonaws.com"
    assert json.loads(function.invoke(event).payload)["body"] == "8.0"


def test_each_request_is_a_record_of_the_log(function: Function) -> None:
    """Route, status and request id, as from the runtime that does not stream."""
    function.invoke(http_event("POST", "/double", '{"value": 1}'))
    found = [record for record in function.records() if record.get("route") == "POST /double"]
    assert found[-1]["status"] == 200
    assert len(found[-1]["requestId"]) == 36

"""The smoke test against deployments that answer from a script, on a clock that does not wait."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from deployer.clock import Clock
from deployer.config import SmokeTest
from deployer.errors import BadInput
from deployer.models import Route, SmokeReport
from deployer.runtime.failed_start import FailedStart
from deployer.stages.smoke import smoke_test
from deployer.tools.http import Response, Unreachable

NUMBERS = {"type": "array", "items": {"type": "number"}}
PREDICT = Route("predict", "/predict", {"type": "dataframe", "root_input": True}, NUMBERS)
URL = "http://127.0.0.1:1234/"


@dataclass(frozen=True)
class Request:
    """What was sent."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    timeout: float


@dataclass
class FakeTime:
    """Seconds pass only in `sleep` and in requests that hang."""

    seconds: float = 0.0

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def clock(self) -> Clock:
        return Clock(now=lambda: self.seconds, sleep=self.sleep)


@dataclass
class ScriptedHttp:
    """Answers from a script, the last entry again and again; an exception in it is raised."""

    script: list[Response | Unreachable]
    requests: list[Request] = field(default_factory=list)

    def send(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes = b"", timeout: float) -> Response:
        self.requests.append(Request(method, url, headers, body, timeout))
        answer = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(answer, Unreachable):
            raise answer
        return answer


def answer(body: Any, *, status: int = 200, content_type: str = "application/json") -> Response:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status, {"content-type": content_type}, data, 12.5)


REFUSED = Unreachable("http://127.0.0.1:1234/predict gave no answer: Connection refused.")
GOOD = answer([1.0, 2.0])


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    """A sample file whose bytes must arrive as they are."""
    file = tmp_path / "samples.json"
    file.write_bytes(b'[\n  {"a": 1.0}\n]\n')
    return file


def ask(http: ScriptedHttp, time: FakeTime | None = None, *, route: Route = PREDICT, **options: Any) -> SmokeReport:
    clock = (time or FakeTime()).clock()
    return smoke_test(url=URL, routes=(route,), options=SmokeTest(**options), http=http, clock=clock)


def verdicts(report: SmokeReport) -> dict[str, bool]:
    return {check.name: check.passed for check in report.checks}


def test_a_good_answer_passes_every_check(samples: Path) -> None:
    """The file is posted unchanged to the only route; answer, content, schema and predictions are judged."""
    http = ScriptedHttp([GOOD])
    report = ask(http, samples=samples, expected=[1, 2])
    assert report.healthy
    assert report.sampled
    assert report.response == [1.0, 2.0]
    assert report.url == "http://127.0.0.1:1234/predict"
    assert verdicts(report) == {"answer": True, "content": True, "schema": True, "predictions": True}
    assert report.checks[0].milliseconds == 12.5
    (request,) = http.requests
    assert (request.method, request.url, request.body) == ("POST", report.url, samples.read_bytes())
    assert request.headers["content-type"] == "application/json"


def test_without_samples_readyz_is_asked() -> None:
    """No config names samples: the deployment is asked whether it is ready, and the report says it was not sampled."""
    http = ScriptedHttp([answer(b"", content_type="text/plain")])
    report = ask(http)
    assert (report.healthy, report.sampled, report.response) == (True, False, None)
    assert [(request.method, request.url) for request in http.requests] == [("GET", "http://127.0.0.1:1234/readyz")]


def test_an_endpoint_without_its_slash_is_joined_all_the_same(samples: Path) -> None:
    """The local AWS gives URLs without the trailing slash."""
    options = SmokeTest(samples=samples)
    report = smoke_test(url=URL.rstrip("/"), routes=(PREDICT,), options=options, http=ScriptedHttp([GOOD]))
    assert report.url == "http://127.0.0.1:1234/predict"


def test_requests_are_signed_where_a_signer_is_given(samples: Path) -> None:
    """The signer sees the whole request, and its headers are what is sent."""
    seen: list[tuple[str, str, bytes]] = []

    def sign(*, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Mapping[str, str]:
        seen.append((method, url, body))
        return {**headers, "authorization": "AWS4-HMAC-SHA256 …"}

    http = ScriptedHttp([GOOD])
    report = smoke_test(url=URL, routes=(PREDICT,), options=SmokeTest(samples=samples), http=http, sign=sign)
    assert report.healthy
    assert seen == [("POST", "http://127.0.0.1:1234/predict", samples.read_bytes())]
    assert http.requests[0].headers["authorization"] == "AWS4-HMAC-SHA256 …"


def test_a_cold_start_is_waited_out(samples: Path) -> None:
    """Refused connections, 503, 429 and a cut start are asked again, with growing pauses and a word each time."""
    passing: list[Response | Unreachable] = [REFUSED, answer({}, status=503), answer({}, status=429)]
    http, time, said = ScriptedHttp([*passing, answer({}, status=502), GOOD]), FakeTime(), []
    report = smoke_test(
        url=URL,
        routes=(PREDICT,),
        options=SmokeTest(samples=samples),
        http=http,
        clock=time.clock(),
        on_step=said.append,
    )
    assert report.healthy
    assert report.checks[0].detail == "POST /predict answered 200 at try 5"
    assert time.seconds == 0.5 + 1 + 2 + 4
    assert said == [
        "no answer yet: waiting for the function to start",
        "answered 503: waiting for the function to start",
        "answered 429: waiting for the function to start",
        "answered 502: waiting for the function to start",
    ]


@pytest.mark.parametrize("last", [REFUSED, answer({}, status=503), answer({}, status=429)])
def test_waiting_ends_with_the_timeout(samples: Path, last: Response | Unreachable) -> None:
    """Nothing is waited for longer than the config allows, and each request gets only the time that is left."""
    http, time = ScriptedHttp([last]), FakeTime()
    report = ask(http, time, samples=samples, timeout=10)
    assert verdicts(report) == {"answer": False}
    assert time.seconds <= 10
    assert [request.timeout for request in http.requests] == [10, 9.5, 8.5, 6.5, 2.5]


def test_a_deployment_that_never_answers_is_a_report(samples: Path) -> None:
    """The last reason and the time waited are told."""
    report = ask(ScriptedHttp([REFUSED]), samples=samples, timeout=10)
    assert report.checks[0].detail == f"{REFUSED.message} Waited 10 s."


@pytest.mark.parametrize(("status", "tries"), [(200, 1), (400, 1), (403, 5), (404, 1), (500, 1), (502, 3), (504, 3)])
def test_statuses_that_do_not_pass_are_not_waited_for(samples: Path, status: int, tries: int) -> None:
    """A failure that stays is told in seconds, not after the whole timeout."""
    http, time = ScriptedHttp([answer([1.0], status=status)]), FakeTime()
    report = ask(http, time, samples=samples, timeout=120)
    assert report.healthy is (status == 200)
    assert len(http.requests) == tries
    assert time.seconds <= 8


def test_a_service_that_cannot_be_started_is_tried_twice(samples: Path) -> None:
    """Its 503 stays, unlike that of a function that is still starting; the answer names the error."""
    failed = FailedStart(ModuleNotFoundError("No module named 'x'"))
    http, time = ScriptedHttp([answer(_body_of(failed), status=503)]), FakeTime()
    report = ask(http, time, samples=samples, timeout=120)
    assert (len(http.requests), time.seconds) == (2, 0.5)
    assert "answered 503 at try 2: " in report.checks[0].detail
    assert "The service could not be started (ModuleNotFoundError)." in report.checks[0].detail


def _body_of(app: FailedStart) -> bytes:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(app({"type": "http"}, None, send))
    return b"".join(message.get("body", b"") for message in sent)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (403, "the URL asks for a signature (spec.auth: iam), or its policy lacks one of the two permissions"),
        (502, "the function failed, its log says why"),
        (500, "the function failed, its log says why"),
        (504, "ran out of time: see spec.timeout"),
        (429, "throttled: no free concurrency"),
        (400, "Input should be a valid number"),
    ],
)
def test_a_failure_is_explained(samples: Path, status: int, said: str) -> None:
    """The check says the route, the status, what it means and what the body said."""
    body = {"message": "Input should be a valid number"}
    check = ask(ScriptedHttp([answer(body, status=status)]), samples=samples).checks[0]
    assert check.detail.startswith(f"POST /predict answered {status}")
    assert said in check.detail
    assert "Input should be a valid number" in check.detail


def test_a_refused_signature_names_both_permissions(samples: Path) -> None:
    """With a signature a 403 is about the credentials' permissions, not about signing."""
    http = ScriptedHttp([answer({"Message": "Forbidden"}, status=403)])
    report = smoke_test(
        url=URL,
        routes=(PREDICT,),
        options=SmokeTest(samples=samples),
        http=http,
        sign=lambda **request: request["headers"],
        clock=FakeTime().clock(),
    )
    assert "its credentials need lambda:InvokeFunctionUrl and lambda:InvokeFunction" in report.checks[0].detail


@pytest.mark.parametrize(
    ("response", "failed", "said"),
    [
        (answer(b"<html>", content_type="text/html; charset=utf-8"), "content", "the body is text/html: <html>"),
        (answer(b"[1.0"), "content", "the body is not JSON"),
        (answer([1.0, "x"]), "schema", "at $[1]: expected number, found string"),
        (answer({"a": 1}), "schema", "at $: expected array, found object"),
    ],
)
def test_an_answer_that_is_not_what_the_bento_promises(
    samples: Path, response: Response, failed: str, said: str
) -> None:
    """The check that fails says what is wrong and where."""
    report = ask(ScriptedHttp([response]), samples=samples)
    (check,) = [check for check in report.checks if not check.passed]
    assert check.name == failed
    assert said in check.detail


@pytest.mark.parametrize(
    ("expected", "same"),
    [
        ([1, 2], True),
        ([1.0000000001, 2.0], True),
        ([1.0001, 2.0], False),
        ([2.0, 1.0], False),
        ([1.0], False),
        ([True, 2.0], False),
        ({"a": 1}, False),
        ([1.0, "2.0"], False),
    ],
)
def test_predictions_are_compared_as_json_values(samples: Path, expected: Any, same: bool) -> None:
    """Numbers within one part in a million are equal, 1 is 1.0, and nothing else is anything else."""
    assert verdicts(ask(ScriptedHttp([GOOD]), samples=samples, expected=expected))["predictions"] is same


def test_expected_objects_are_compared_key_by_key(samples: Path) -> None:
    """A key too many is a difference; the order of keys is none."""
    route = Route("predict", "/predict")
    http = ScriptedHttp([answer({"b": [None, True], "a": 1.0})])
    assert ask(http, route=route, samples=samples, expected={"a": 1, "b": [None, True]}).healthy
    assert not ask(http, route=route, samples=samples, expected={"a": 1}).healthy


@pytest.mark.parametrize(
    "schema",
    [{"type": "string"}, {"type": "string", "is_stream": True}, {"type": "file"}, {}, None],
    ids=["text", "stream", "file", "anything", "unstated"],
)
def test_text_is_a_good_answer_where_json_is_not_promised(samples: Path, schema: dict[str, Any] | None) -> None:
    """A route that answers text, or does not say, is judged by its status and by `expected`."""
    route = Route("predict", "/predict", None, schema)
    http = ScriptedHttp([answer("héllo".encode(), content_type="text/plain; charset=utf-8")])
    report = ask(http, route=route, samples=samples, expected="héllo")
    assert report.healthy
    assert report.response == "héllo"


def test_bad_samples_are_bad_input_before_anything_is_sent(tmp_path: Path) -> None:
    """`deployer smoke-test` with a broken file exits 2 and asks nothing."""
    http = ScriptedHttp([GOOD])
    with pytest.raises(BadInput, match=r"absent\.json"):
        ask(http, samples=tmp_path / "absent.json")
    assert http.requests == []

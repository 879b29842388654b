"""The smoke test: ask the deployment, wait out its cold start, judge the answer.

An unhealthy deployment is a report, not an exception. `expected` is compared as JSON values, numbers within one part
in a million: the same model differs in the last bits between processors.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from deployer.clock import Clock
from deployer.config import SmokeTest
from deployer.models import Route, SmokeCheck, SmokeReport
from deployer.stages.samples import Samples, check_samples
from deployer.tools.http import Http, Response, Unreachable
from deployer.tools.route_schema import problem, promises_json, shorten

RELATIVE_TOLERANCE = 1e-6
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0  # seconds between tries
# Statuses that pass by themselves, and how many times each is asked: 403 while permissions spread through AWS, 502
# when a start was cut off, the rest (None) for as long as there is time.
PASSING: Mapping[int, int | None] = {403: 5, 429: None, 502: 3, 503: None, 504: 3}
FAILED_START = b"The service could not be started"  # with 503, by deployer_runtime/failed_start.py
STARTS = 2  # each request but the first starts it anew


class Sign(Protocol):
    """Adds AWS's signature: the headers to send instead of the given ones."""

    def __call__(self, *, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Mapping[str, str]: ...


@dataclass(frozen=True)
class _Asked:
    """One question to the deployment and everything needed to put it."""

    method: str
    url: str
    body: bytes
    http: Http
    sign: Sign | None
    clock: Clock
    on_step: Callable[[str], None]

    def send(self, timeout: float) -> Response:
        headers: Mapping[str, str] = {"accept": "*/*", "content-type": "application/json"}
        if self.sign is not None:
            headers = self.sign(method=self.method, url=self.url, headers=headers, body=self.body)
        return self.http.send(self.method, self.url, headers=headers, body=self.body, timeout=timeout)


def smoke_test(
    *,
    url: str,
    routes: Sequence[Route],
    options: SmokeTest,
    http: Http,
    sign: Sign | None = None,
    on_step: Callable[[str], None] = lambda line: None,
    clock: Clock | None = None,
) -> SmokeReport:
    """Send the samples to their route below `url`, or ask `/readyz` where the config names none.

    The report's `url` is the address that was asked. Raises BadInput as `check_samples` does, and nothing else.
    """
    samples = check_samples(options, routes)
    path = samples.route.path if samples else "/readyz"
    asked = _Asked(
        method="POST" if samples else "GET",
        url=f"{url.rstrip('/')}/{path.lstrip('/')}",
        body=samples.body if samples else b"",
        http=http,
        sign=sign,
        clock=clock or Clock(),
        on_step=on_step,
    )
    response, answer = _answer(asked, path=path, timeout=options.timeout)
    if response is None or samples is None:
        return SmokeReport(asked.url, (answer,), sampled=samples is not None)
    return _judge(asked.url, response, answer=answer, samples=samples, expected=options.expected)


def _answer(asked: _Asked, *, path: str, timeout: float) -> tuple[Response | None, SmokeCheck]:
    """The answer with status 200, or None; and the check that says how it went."""
    try:
        response, tries = _ask_until_ready(asked, timeout=timeout)
    except Unreachable as error:
        return None, SmokeCheck("answer", False, f"{error.message} Waited {timeout:.0f} s.")
    again = f" at try {tries}" if tries > 1 else ""
    if response.status == 200:
        detail = f"{asked.method} {path} answered 200{again}"
        return response, SmokeCheck("answer", True, detail, response.milliseconds)
    detail = f"{asked.method} {path} answered {response.status}{again}: {_explain(response, signed=bool(asked.sign))}"
    return None, SmokeCheck("answer", False, detail, response.milliseconds)


def _ask_until_ready(asked: _Asked, *, timeout: float) -> tuple[Response, int]:
    """Ask until the status is not one that passes by itself, or time is up. Raises Unreachable."""
    end, tries, pause = asked.clock.now() + timeout, 0, FIRST_PAUSE
    seen: dict[int, int] = {}
    while True:
        tries += 1
        left = end - asked.clock.now()
        last_try = left <= pause
        try:
            response = asked.send(max(left, 1.0))
        except Unreachable:
            if last_try or asked.clock.now() >= end:
                raise
            asked.on_step("no answer yet: waiting for the function to start")
        else:
            seen[response.status] = seen.get(response.status, 0) + 1
            patience = STARTS if _failed_to_start(response) else PASSING.get(response.status, 0)
            if last_try or (patience is not None and seen[response.status] >= patience):
                return response, tries
            asked.on_step(f"answered {response.status}: waiting for the function to start")
        asked.clock.sleep(min(pause, max(end - asked.clock.now(), 0)))
        pause = min(pause * 2, LONGEST_PAUSE)


def _failed_to_start(response: Response) -> bool:
    return response.status == 503 and FAILED_START in response.body


def _explain(response: Response, *, signed: bool) -> str:
    said = shorten(response.body.decode("utf-8", "replace")) or "no body"
    if response.status == 403:
        mine = (
            "the signed request was refused: its credentials need lambda:InvokeFunctionUrl and lambda:InvokeFunction"
            if signed
            else "the URL asks for a signature (spec.auth: iam), or its policy lacks one of the two permissions"
            " lambda:InvokeFunctionUrl and lambda:InvokeFunction"
        )
        return f"{mine} ({said})"
    if response.status in (500, 502):
        return f"the function failed, its log says why ({said})"
    if response.status == 429:
        return f"the function is throttled: no free concurrency ({said})"
    if response.status == 504:
        return f"the function ran out of time: see spec.timeout ({said})"
    return said


def _judge(url: str, response: Response, *, answer: SmokeCheck, samples: Samples, expected: Any) -> SmokeReport:
    schema = samples.route.output_schema
    is_json = response.content_type == "application/json" or response.content_type.endswith("+json")
    content, value = _content(response, is_json=is_json, promised=promises_json(schema))
    checks = [answer, content]
    if content.passed and is_json and schema:
        wrong = problem(value, schema)
        checks.append(SmokeCheck("schema", wrong is None, wrong or "the body is what the Bento promises"))
    if content.passed and expected is not None:
        checks.append(_compare(value, expected))
    return SmokeReport(url, tuple(checks), sampled=True, response=value)


def _content(response: Response, *, is_json: bool, promised: bool) -> tuple[SmokeCheck, Any]:
    """The body as a value: parsed JSON, or text where the route does not promise JSON."""
    text = response.body.decode("utf-8", "replace")
    if is_json:
        try:
            return SmokeCheck("content", True, f"{len(response.body)} bytes of JSON"), json.loads(text)
        except ValueError as error:
            return SmokeCheck("content", False, f"the body is not JSON: {error}: {shorten(text)}"), None
    kind = response.content_type or "an unnamed type"
    if promised:
        return SmokeCheck("content", False, f"expected JSON, the body is {kind}: {shorten(text)}"), None
    return SmokeCheck("content", True, f"{len(response.body)} bytes of {kind}"), text


def _compare(value: Any, expected: Any) -> SmokeCheck:
    if _agree(value, expected):
        return SmokeCheck("predictions", True, f"as expected: {shorten(json.dumps(value))}")
    detail = f"expected {shorten(json.dumps(expected))}, got {shorten(json.dumps(value))}"
    return SmokeCheck("predictions", False, detail)


def _agree(value: Any, expected: Any) -> bool:
    if isinstance(value, bool) or isinstance(expected, bool):
        return value is expected
    if isinstance(value, int | float) and isinstance(expected, int | float):
        return math.isclose(value, expected, rel_tol=RELATIVE_TOLERANCE)
    if isinstance(value, list) and isinstance(expected, list):
        return len(value) == len(expected) and all(map(_agree, value, expected))
    if isinstance(value, dict) and isinstance(expected, dict):
        return value.keys() == expected.keys() and all(_agree(value[key], expected[key]) for key in value)
    return bool(value == expected)

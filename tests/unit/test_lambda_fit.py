"""What is said at `up` of what Lambda does not carry."""

from __future__ import annotations

import pytest

from deployer.config import Spec
from deployer.models import Route
from deployer.stages.lambda_fit import SHOWN, remarks
from deployer.tools.code_uses import Use
from deployer.tools.lambda_gaps import Gap

PREDICT = Route("predict", "/predict")
TRAIN = Route("train", "/v1/train", is_task=True)
STREAM = Route("chat", "/chat", None, {"type": "string", "is_stream": True})


def test_a_service_that_fits_is_told_nothing() -> None:
    """The usual case."""
    assert remarks((PREDICT, Route("text", "/text", {}, {"type": "string"})), (), Spec()) == ()


def test_a_public_endpoint_is_warned_of() -> None:
    """It is there only because the config says so, and the cost is the user's."""
    (told,) = remarks((PREDICT,), (), Spec(auth="none"))
    assert told.startswith("spec.auth is none: anybody may call the endpoint")


def test_a_region_without_function_urls_is_warned_of() -> None:
    """Before an image, a role and a function are made there."""
    (told,) = remarks((PREDICT,), (), Spec(region="ca-west-1"))
    assert "ca-west-1" in told
    assert remarks((PREDICT,), (), Spec(region="eu-central-1")) == ()


@pytest.mark.parametrize(("timeout", "told"), [(30, 0), (31, 1), (900, 1)])
def test_an_http_api_that_waits_less_than_the_function_is_warned_of(timeout: int, told: int) -> None:
    """With both figures; up to its own limit it is no matter."""
    said = remarks((PREDICT,), (), Spec(endpoint="http_api", timeout=timeout))
    assert told == len(said)
    assert all(f"503 after 30 s; spec.timeout is {timeout} s" in line for line in said)


def test_a_task_queue_is_named_with_what_works_instead() -> None:
    """Its five routes, their status, and the direct call with its limit of time."""
    (told,) = remarks((PREDICT, TRAIN), (), Spec(timeout=90))
    assert told == (
        "/v1/train: a function keeps no task queue, so /v1/train/submit, /status, /get, /retry and /cancel are answered"
        " with 501. POST /v1/train itself works, within spec.timeout (90 s)."
    )


def test_a_stream_is_named_unless_it_is_sent_as_one() -> None:
    """The answer is the same, later."""
    (told,) = remarks((PREDICT, STREAM), (), Spec())
    assert told == "/chat: the answer arrives whole; `spec: {invoke_mode: RESPONSE_STREAM}` sends as it goes."
    assert remarks((PREDICT, STREAM), (), Spec(invoke_mode="RESPONSE_STREAM")) == ()


def test_code_is_named_by_its_place_and_one_line_for_each_kind() -> None:
    """With what to use instead."""
    pool, lock = (
        Use(Gap.SEMAPHORES, "multiprocessing.Pool", "src/a.py:3"),
        Use(Gap.SEMAPHORES, "multiprocessing.Lock", "src/b.py:7"),
    )
    told = remarks((), (pool, Use(Gap.WEBSOCKETS, "a WebSocket route", "src/a.py:9"), lock), Spec())
    assert len(told) == 2
    assert told[0].startswith(
        "multiprocessing.Pool (src/a.py:3), multiprocessing.Lock (src/b.py:7): Lambda has neither"
    )
    assert "concurrent.futures.ThreadPoolExecutor" in told[0]
    assert told[1].startswith("a WebSocket route (src/a.py:9): a function's URL carries no WebSockets")


def test_a_long_list_is_cut() -> None:
    """A screen of places helps nobody."""
    many = [Use(Gap.WORKERS, "joblib.Parallel", f"src/a.py:{line}") for line in range(SHOWN + 3)]
    (told,) = remarks((), many, Spec())
    assert f"(src/a.py:{SHOWN - 1}) and 3 more: Lambda has no semaphores" in told

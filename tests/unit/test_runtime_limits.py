"""Responses at Lambda's limit."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deployer.runtime.events import Asked, RouteFailed
from deployer.runtime.limits import LIMIT, LOAD_BALANCER_LIMIT, within_limit

HTTP = Asked({"requestContext": {"http": {}}}, "POST /p", plain=False)
PLAIN = Asked({"requestContext": {"http": {}}}, "POST /p", plain=True)
BALANCED = Asked({"requestContext": {"elb": {}}}, "POST /p", plain=False)


def response(body: str) -> dict[str, Any]:
    return {"statusCode": 200, "headers": {"content-type": "text/plain"}, "body": body, "isBase64Encoded": False}


def largest(limit: int, character: str = "x") -> dict[str, Any]:
    """The largest response of that character that is taken, as JSON exactly at the limit or just below."""
    each = len(json.dumps(character)) - 2
    return response(character * ((limit - len(json.dumps(response("")))) // each))


@pytest.mark.parametrize("character", ["x", '"', "é", "\u0001", "😀"])
def test_the_limit_is_counted_in_json(character: str) -> None:
    """Each character as it is posted: quotes and what is not ASCII take more than one byte."""
    fits = largest(LIMIT, character)
    assert within_limit(HTTP, fits) is fits
    assert within_limit(HTTP, {**fits, "body": fits["body"] + character})["statusCode"] == 413


def test_a_response_beyond_the_limit_is_a_413_that_says_what_to_do() -> None:
    """In Lambda's stead, whose 502 says nothing."""
    refused = within_limit(HTTP, response("x" * LIMIT))
    said = json.loads(refused["body"])["error"]
    assert refused["headers"] == {"content-type": "application/json"}
    assert "The response is 6.0 MB (62915" in said
    assert "Lambda takes at most 6 MB (6291456 bytes)" in said
    assert "spec.invoke_mode: RESPONSE_STREAM" in said


def test_the_encoder_of_the_runtime_counts() -> None:
    """Some of awslambdaric's leave what is not ASCII as it is: in UTF-8 that is less."""
    body = response("é" * (LIMIT // 3))
    assert within_limit(HTTP, body)["statusCode"] == 413
    assert within_limit(HTTP, body, encode=lambda value: json.dumps(value, ensure_ascii=False)) is body


def test_a_load_balancer_takes_less() -> None:
    """One megabyte, in the mode that it asks in."""
    fits = largest(LOAD_BALANCER_LIMIT)
    assert within_limit(BALANCED, fits) is fits
    big = response("x" * LOAD_BALANCER_LIMIT)
    assert within_limit(HTTP, big) is big
    refused = within_limit(BALANCED, {**big, "multiValueHeaders": {}})
    assert refused["multiValueHeaders"] == {"content-type": ["application/json"]}
    assert "a load balancer takes at most 1 MB" in refused["body"]


def test_a_plain_result_beyond_the_limit_fails() -> None:
    """It has no status to say so with."""
    assert within_limit(PLAIN, ["x"]) == ["x"]
    with pytest.raises(RouteFailed, match=r"POST /p answered 413: The response is 6\.0 MB"):
        within_limit(PLAIN, "x" * LIMIT)

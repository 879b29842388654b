"""Streamed responses as a runtime writes them for HTTP: a JSON prelude with status and headers, 8 NULs, the body.

Pure translation. The form is that of Lambda's content type `application/vnd.awslambda.http-integration-response`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from deployer.tools.payload_v2 import HttpResponse, header_pairs

CONTENT_TYPE = "application/vnd.awslambda.http-integration-response"
DELIMITER = bytes(8)


@dataclass(frozen=True)
class Head:
    """Status line and headers, cookies among them."""

    status: int
    headers: Sequence[tuple[str, str]]


def head(prelude: bytes) -> Head:
    """Raises ValueError for what is no prelude."""
    try:
        stated = json.loads(prelude)
        status = int(stated.get("statusCode", HTTPStatus.OK))
        if not 100 <= status <= 599:
            raise ValueError(status)
        return Head(status, header_pairs(stated))
    except (TypeError, AttributeError) as error:
        raise ValueError(f"no prelude: {prelude[:100]!r}") from error


def whole(payload: bytes) -> HttpResponse:
    """A response that has been collected. Raises ValueError when it does not begin with a prelude."""
    prelude, delimiter, body = payload.partition(DELIMITER)
    if not delimiter:
        raise ValueError("a streamed response without a prelude")
    begun = head(prelude)
    return HttpResponse(begun.status, begun.headers, body)

"""HTTP APIs with payload version 1.0, which is API Gateway's own where an integration names none. Pure translation.

The form is that of API Gateway's developer guide, "Create AWS Lambda proxy integrations for HTTP APIs".
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any
from urllib.parse import parse_qsl

from deployer.tools.payload_v2 import Entrance, HttpRequest, HttpResponse, encoded, stated

CALLER = (("accessKey",) * 2, ("accountId",) * 2, ("caller", "callerId"), ("user", "userId"), ("userArn",) * 2)
NOBODY = ("cognitoAuthenticationProvider", "cognitoAuthenticationType", "cognitoIdentityId", "cognitoIdentityPoolId")


def entered(
    request: HttpRequest, entrance: Entrance, *, request_id: str, authorizer: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The event of a request that came through there; `authorizer` is the signer of a signed request."""
    headers, query = _values(request.headers), _values(parse_qsl(request.query, keep_blank_values=True))
    lower = {name.lower(): values[-1] for name, values in headers.items()}
    body = encoded(request.body, lower.get("content-type", ""))
    resource = entrance.route_key.rpartition(" ")[2]
    return {
        "version": "1.0",
        "resource": resource,
        "path": request.path,
        "httpMethod": request.method,
        "headers": _last(headers) or {},
        "multiValueHeaders": headers,
        "queryStringParameters": _last(query),
        "multiValueQueryStringParameters": query or None,
        "requestContext": {
            **_context(request, entrance, request_id=request_id),
            "identity": _identity(request, authorizer or {}, user_agent=lower.get("user-agent", "")),
            "resourcePath": resource,
        },
        "pathParameters": dict(entrance.path_parameters) or None,
        "stageVariables": dict(entrance.stage_variables) or None,
        "body": body.get("body"),
        "isBase64Encoded": body["isBase64Encoded"],
    }


def meant(payload: bytes) -> HttpResponse:
    """The HTTP answer that a result stands for. Raises ValueError for one without a status."""
    result = json.loads(payload or b"null")
    if not isinstance(result, dict) or "statusCode" not in result:
        raise ValueError(f"no response: {payload[:100]!r}")
    try:
        many = {str(name): list(map(str, values)) for name, values in (result.get("multiValueHeaders") or {}).items()}
        single = {name: value for name, value in (result.get("headers") or {}).items() if name not in many}
        made = stated({**result, "headers": single, "cookies": ()})
    except (TypeError, AttributeError) as error:
        raise ValueError(f"no response: {payload[:100]!r}") from error
    kinds = {name.lower() for name in many}
    kept = [(name, value) for name, value in made.headers if name.lower() not in kinds]
    return HttpResponse(
        made.status, [*kept, *((name, value) for name, values in many.items() for value in values)], made.body
    )


def _values(pairs: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return values


def _last(values: Mapping[str, Sequence[str]]) -> dict[str, str] | None:
    return {name: all_[-1] for name, all_ in values.items()} or None


def _context(request: HttpRequest, entrance: Entrance, *, request_id: str) -> dict[str, Any]:
    now = datetime.now(timezone.utc)
    return {
        "accountId": entrance.account,
        "apiId": entrance.id,
        "domainName": entrance.domain,
        "domainPrefix": entrance.id,
        "extendedRequestId": request_id,
        "httpMethod": request.method,
        "path": request.path,
        "protocol": request.protocol,
        "requestId": request_id,
        "requestTime": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "requestTimeEpoch": int(now.timestamp() * 1000),
        "resourceId": None,
        "stage": entrance.stage,
    }


def _identity(request: HttpRequest, authorizer: Mapping[str, Any], *, user_agent: str) -> dict[str, Any]:
    return {
        **dict.fromkeys(NOBODY),
        **{name: authorizer.get(source) for name, source in CALLER},
        "principalOrgId": None,
        "sourceIp": request.source_ip,
        "userAgent": user_agent,
    }

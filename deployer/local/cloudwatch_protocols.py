"""How GetMetricData comes over the wire: AWS JSON 1.0 (as boto3 and the AWS CLI ask), or AWS query with XML.

Both are read and written by moto's own parsers and serializers, after botocore's model of CloudWatch. The third
protocol of that model, Smithy RPC v2 with CBOR, is known and refused.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from enum import Enum
from typing import Any
from urllib.parse import parse_qsl

from moto.core.exceptions import ServiceException
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.serialize import SERIALIZERS, SerializationContext
from moto.core.utils import get_service_model
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Request, Response

OPERATION = "GetMetricData"
TARGET = f"GraniteServiceVersion20100801.{OPERATION}"
CBOR_PATH = f"/service/GraniteServiceVersion20100801/operation/{OPERATION}"


class Protocol(Enum):
    """The value is moto's name, and the content type of an answer."""

    JSON = ("json", "application/x-amz-json-1.0")
    QUERY = ("query", "text/xml")
    CBOR = ("smithy-rpc-v2-cbor", "application/cbor")


class Refusal(ServiceException):
    """An error as moto's serializers want it: of a class of another service they ask that service's model."""


class Malformed(Exception):
    """The request's body is not what its protocol says."""


def protocol_of(request: Request) -> Protocol | None:
    """The protocol in which the request asks for GetMetricData, None when it asks for something else."""
    if request.path == CBOR_PATH:
        return Protocol.CBOR
    if request.headers.get("X-Amz-Target") == TARGET:
        return Protocol.JSON
    is_form = request.mimetype == "application/x-www-form-urlencoded"
    return Protocol.QUERY if is_form and _form(request).get("Action") == OPERATION else None


def parsed(request: Request, protocol: Protocol) -> Mapping[str, Any]:
    """The operation's input; times are naive and in UTC. Raises Malformed."""
    parser = PROTOCOL_PARSERS[protocol.value[0]](_operation())
    try:
        given: Mapping[str, Any] = parser.parse(
            {
                "body": request.get_data(),
                "headers": request.headers,
                "method": request.method,
                "url_params": {},
                "url_path": request.path,
                "values": _form(request),
            }
        )
    except (ValueError, TypeError, AttributeError) as error:
        raise Malformed(f"The request is no {OPERATION} request: {error}") from error
    return given


def answered(protocol: Protocol, result: Mapping[str, Any]) -> Response:
    return _serialized(protocol, result)


def refused(protocol: Protocol, message: str, *, code: str = "ValidationError") -> Response:
    """An error, status 400."""
    if protocol is Protocol.CBOR:
        return _refused_in_cbor(message, code)
    return _serialized(protocol, Refusal(code, message))


def _serialized(protocol: Protocol, result: object) -> Response:
    name, content_type = protocol.value
    request_id = str(uuid.uuid4())
    made = SERIALIZERS[name](_operation(), SerializationContext(request_id)).serialize(result)
    headers = {**made["headers"], "Content-Type": content_type, "x-amzn-RequestId": request_id}
    return Response(made["body"], status=made["status_code"], headers=headers)


def _refused_in_cbor(message: str, code: str) -> Response:
    """A map of two texts (RFC 8949, sections 3.1 and 3.2)."""
    body = b"\xa2" + b"".join(map(_cbor_text, ("__type", code, "message", message)))
    headers = {"smithy-protocol": "rpc-v2-cbor", "x-amzn-query-error": f"{code};Sender"}
    return Response(body, status=400, headers=headers, content_type=Protocol.CBOR.value[1])


def _cbor_text(text: str) -> bytes:
    encoded = text.encode()
    return b"\x79" + len(encoded).to_bytes(2, "big") + encoded


def _form(request: Request) -> MultiDict[str, str]:
    return MultiDict(parse_qsl(request.get_data(as_text=True), keep_blank_values=True))


def _operation() -> Any:
    return get_service_model("cloudwatch").operation_model(OPERATION)

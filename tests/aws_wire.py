"""From an HTTP request to the AWS operation that it calls, with its parameters, as botocore's service models have it.

A member that the model does not know is kept under its name on the wire, so that botocore's validator names it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape
from botocore.parsers import RpcV2CBORParser
from botocore.session import get_session

SIGNED_AS = {"apigateway": "apigatewayv2", "monitoring": "cloudwatch", "tagging": "resourcegroupstaggingapi"}
SCOPE = re.compile(r"Credential=[^/]+/\d{8}/[^/]+/(?P<service>[^/]+)/aws4_request")
LABEL = re.compile(r"\{([\w-]+)(\+?)\}")
SDK_OWN = frozenset({"x-id"})  # which the SDK for Go adds to S3's query


@dataclass(frozen=True)
class Sent:
    """A request as it came over the wire, header names in lower case, and the status of its answer."""

    method: str
    uri: str
    headers: Mapping[str, str]
    body: bytes
    status: int


@dataclass(frozen=True)
class Call:
    """`service` is botocore's name for it; `program` how the tool names itself."""

    service: str
    operation: str
    parameters: Mapping[str, Any]
    status: int
    program: str = ""

    @property
    def model(self) -> OperationModel:
        return service_model(self.service).operation_model(self.operation)

    def __str__(self) -> str:
        return f"{self.service}:{self.operation}"


def read(sent: Sent) -> Call:
    """Raises ValueError for what is no call of a service that botocore knows."""
    scope = SCOPE.search(sent.headers.get("authorization", ""))
    if scope is None:
        raise ValueError(f"{sent.method} {sent.uri} is not signed")
    service = SIGNED_AS.get(scope["service"], scope["service"])
    operation, parameters = _operation(service_model(service), sent)
    return Call(service, operation, parameters, sent.status, sent.headers.get("user-agent", "").partition("/")[0])


@cache
def service_model(service: str) -> ServiceModel:
    return get_session().get_service_model(service)


def _operation(model: ServiceModel, sent: Sent) -> tuple[str, Mapping[str, Any]]:
    """By the marks of each protocol: a header, a path, a form, and else method and path of REST."""
    path, kind = urlsplit(sent.uri).path, sent.headers.get("content-type", "")
    if target := sent.headers.get("x-amz-target"):
        name = target.rpartition(".")[2]
        return name, from_json(_input(model, name), json.loads(sent.body or b"{}"))
    if path.startswith("/service/"):
        name = path.rpartition("/")[2]
        return name, _from_cbor(model, name, sent.body)
    if kind.startswith("application/x-www-form-urlencoded"):
        form = dict(parse_qsl(sent.body.decode(), keep_blank_values=True))
        return form["Action"], _from_form(_input(model, form["Action"]), form)
    return _from_rest(model, sent)


def _input(model: ServiceModel, operation: str) -> StructureShape:
    return model.operation_model(operation).input_shape or StructureShape("Nothing", {"type": "structure"})


def _from_cbor(model: ServiceModel, operation: str, body: bytes) -> Any:
    parser = RpcV2CBORParser()
    return parser.parse_data_item(parser.get_peekable_stream_from_bytes(body)) if body else {}


def from_json(shape: Shape, value: Any) -> Any:
    """The value by the model's names for its members; times, numbers and texts are as JSON has them."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        named = {member.serialization.get("name", name): name for name, member in shape.members.items()}
        return {
            named.get(key, key): from_json(shape.members[named[key]], one) if key in named else one
            for key, one in value.items()
        }
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [from_json(shape.member, one) for one in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: from_json(shape.value, one) for key, one in value.items()}
    return value


# --- REST: path, query, headers and body ---


def _from_rest(model: ServiceModel, sent: Sent) -> tuple[str, Mapping[str, Any]]:
    parts = urlsplit(sent.uri)
    query = parse_qsl(parts.query, keep_blank_values=True)
    found = [
        (operation, match)
        for name in model.operation_names
        if (operation := model.operation_model(name)).http["method"] == sent.method
        and (match := _matches(operation, parts.path, query)) is not None
        and _needed(operation) <= {*dict(query), *sent.headers}
    ]
    if not found:
        raise ValueError(f"{model.service_name} has no operation {sent.method} {sent.uri}")
    operation, match = max(found, key=lambda one: (_literal(one[0]), len(_needed(one[0]))))
    shape = operation.input_shape or StructureShape("Nothing", {"type": "structure"})
    named = {**_from_path(shape, match), **_from_query(shape, query, operation), **_from_headers(shape, sent.headers)}
    return operation.name, {**named, **_from_body(shape, sent.body)}


def _matches(operation: OperationModel, path: str, query: list[tuple[str, str]]) -> Mapping[str, str] | None:
    """What stands for each label of the operation's path; None where path or query are another's."""
    wanted, _, needed = operation.http["requestUri"].partition("?")
    if not set(parse_qsl(needed, keep_blank_values=True)) <= set(query):
        return None
    pattern, at, labels = "", 0, tuple(LABEL.finditer(wanted))
    for label in labels:
        pattern += re.escape(wanted[at : label.start()]) + ("(.+)" if label[2] else "([^/]+)")
        at = label.end()
    match = re.fullmatch(f"{pattern}{re.escape(wanted[at:])}/?", path)
    return dict(zip((label[1] for label in labels), match.groups(), strict=True)) if match else None


def _needed(operation: OperationModel) -> set[str]:
    """What the query and the headers must have: an object is put, copied and uploaded in parts at one address."""
    shape = operation.input_shape
    if shape is None:
        return set()
    located = (
        *_located(shape, "querystring"),
        *((wire.lower(), name, one) for wire, name, one in _located(shape, "header")),
    )
    return {wire for wire, name, _ in located if name in shape.required_members}


def _literal(operation: OperationModel) -> int:
    """How much of the address is the operation's own: `?list-type=2` tells ListObjectsV2 from ListObjects."""
    return len(LABEL.sub("", operation.http["requestUri"]))


def _located(shape: StructureShape, place: str) -> Iterator[tuple[str, str, Shape]]:
    """Names of members, on the wire and in the model, that are in this part of a request."""
    for name, member in shape.members.items():
        if member.serialization.get("location") == place:
            yield member.serialization.get("name", name), name, member


def _from_path(shape: StructureShape, match: Mapping[str, str]) -> dict[str, Any]:
    values = {wire: unquote(value) for wire, value in match.items()}
    return {name: _text(member, values[wire]) for wire, name, member in _located(shape, "uri")}


def _from_query(shape: StructureShape, query: list[tuple[str, str]], operation: OperationModel) -> dict[str, Any]:
    fixed = {key for key, _ in parse_qsl(operation.http["requestUri"].partition("?")[2], keep_blank_values=True)}
    members = {wire: (name, member) for wire, name, member in _located(shape, "querystring")}
    found: dict[str, Any] = {}
    for key, value in query:
        name, member = members.get(key, (key, None))
        if isinstance(member, ListShape):
            found.setdefault(name, []).append(_text(member.member, value))
        elif key not in fixed | SDK_OWN:
            found[name] = value if member is None else _text(member, value)
    return found


def _from_headers(shape: StructureShape, headers: Mapping[str, str]) -> dict[str, Any]:
    """Headers that no member has are the protocol's own."""
    located = ((name, member, headers.get(wire.lower())) for wire, name, member in _located(shape, "header"))
    return {name: _text(member, value) for name, member, value in located if value is not None}


def _from_body(shape: StructureShape, body: bytes) -> dict[str, Any]:
    payload = shape.serialization.get("payload")
    if payload is not None and shape.members[payload].type_name in ("blob", "string"):
        return {payload: body} if body else {}
    if not body:
        return {}
    if body.startswith(b"<"):
        raise ValueError(f"XML is not read here: {shape.name}")
    return (
        {payload: from_json(shape.members[payload], json.loads(body))}
        if payload
        else from_json(shape, json.loads(body))
    )


# --- forms of IAM and STS ---


def _from_form(shape: Shape, form: Mapping[str, str], prefix: str = "") -> Any:
    """`Tags.member.1.Key=team` as {"Tags": [{"Key": "team"}]}. The query protocol's own two keys are left out."""
    if isinstance(shape, StructureShape):
        below = _heads(form, prefix) - (set() if prefix else {"Action", "Version"})
        named = {member.serialization.get("name", name): name for name, member in shape.members.items()}
        return {
            named.get(head, head): _from_form(shape.members[named[head]], form, f"{prefix}{head}.")
            if head in named
            else form.get(f"{prefix}{head}", "")
            for head in sorted(below)
        }
    if isinstance(shape, ListShape):
        inner = "" if shape.serialization.get("flattened") else f"{shape.member.serialization.get('name', 'member')}."
        numbers = sorted(int(head) for head in _heads(form, f"{prefix}{inner}") if head.isdecimal())
        return [_from_form(shape.member, form, f"{prefix}{inner}{number}.") for number in numbers]
    return _text(shape, form[prefix.removesuffix(".")])


def _heads(form: Mapping[str, str], prefix: str) -> set[str]:
    """The names directly below a prefix."""
    return {key.removeprefix(prefix).partition(".")[0] for key in form if key.startswith(prefix)}


def _text(shape: Shape, value: str) -> Any:
    """A value that was written as text. One that cannot be read stays text, which botocore's validator then names."""
    if shape.type_name in ("integer", "long") and re.fullmatch(r"-?\d+", value):
        return int(value)
    if shape.type_name == "boolean" and value in ("true", "false"):
        return value == "true"
    return value

"""A service's `requests.yaml`: what is asked, what both must answer, and how two answers are compared.

    lines: [1.4.39, 1.4.19]           BentoML versions that the service is for
    requests:
      - name: two rows
        method: POST                  the default
        path: /predict?a=1            as it is sent
        json: … | body: text | base64: … | file: name | multipart: [{name, filename?, content_type?, json|body|file}]
        headers: {x-a: b}
        compare: [status, content_type, body]   the default; `json` is the body as JSON, `headers` the next key's
        headers_compared: [x-b]
        status: 200                   what both answer
        expect: {body: … | json: …}   what both answer beside it
        differs: why                  the function answers otherwise on purpose; `status` and `expect` are its own

Cookies are compared always.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

SERVICES = Path(__file__).parents[1] / "services"
BOUNDARY = "a-boundary-of-the-corpus"
COMPARED = ("status", "content_type", "body")
OWN_KEYS = ("name", "method", "path", "headers")
RULES = ("compare", "headers_compared", "status", "expect", "differs")
BODIES = ("json", "body", "base64", "file", "multipart")
KEYS = {*OWN_KEYS, *BODIES, *RULES}


@dataclass(frozen=True)
class Asked:
    """One request, and what is held against its answers."""

    name: str
    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    status: int
    expect: Mapping[str, Any]
    compare: tuple[str, ...]
    headers_compared: tuple[str, ...]
    differs: str


@dataclass(frozen=True)
class Answered:
    """What a client sees: names of headers are in lower case."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)

    def header(self, name: str) -> list[str]:
        """Every value, those in one line apart; cookies in any order."""
        values = [value for found, value in self.headers if found == name]
        if name == "set-cookie":
            return sorted(values)
        return [part.strip() for value in values for part in value.split(",")]

    def part(self, kind: str) -> object:
        """What `compare` names."""
        if kind == "status":
            return self.status
        if kind == "content_type":
            return self.header("content-type")
        if kind == "body":
            return _text(self.body)
        if kind == "json":
            return json.loads(self.body)
        return self.header(kind)

    def __str__(self) -> str:
        text = _text(self.body)
        shown = text if len(text) < 2000 else f"{text[:2000]!r}… ({len(text)})"
        return f"{self.status} {dict(self.headers)}\n      {shown!r}"


def lines_of(service: str) -> tuple[str, ...]:
    return tuple(map(str, _document(service)["lines"]))


def requests_of(service: str) -> tuple[Asked, ...]:
    """Raises ValueError for a request that says something else than the first lines of this module allow."""
    return tuple(_asked(entry, SERVICES / service) for entry in _document(service)["requests"])


def ready_path(service: str) -> str:
    """Where the service says that it is ready: as one of the requests has it, for some have a prefix before it."""
    paths = [asked.path for asked in requests_of(service) if asked.status == 200]
    return next((path for path in paths if path.endswith("/readyz")), "/readyz")


def differences(asked: Asked, served: Answered, ours: Answered) -> Iterator[str]:
    """In what the function's answer is not what it has to be."""
    held = (("the function", ours),) if asked.differs else (("bentoml serve", served), ("the function", ours))
    for who, answer in held:
        if answer.status != asked.status:
            yield f"{who} answers {answer.status} and not {asked.status}"
        for kind, value in asked.expect.items():
            expected = value.encode() if kind == "body" else value
            if (answer.body if kind == "body" else answer.part(kind)) != expected:
                yield f"{who}: {kind} is not {value!r}"
    if asked.differs:
        return
    kinds = [kind for kind in asked.compare if kind != "headers"]
    for kind in (*kinds, *asked.headers_compared, "set-cookie"):
        if served.part(kind) != ours.part(kind):
            yield f"{kind} differs"


def _document(service: str) -> Any:
    return yaml.safe_load((SERVICES / service / "requests.yaml").read_text("utf-8"))


def _asked(entry: Mapping[str, Any], folder: Path) -> Asked:
    if unknown := set(entry) - KEYS:
        raise ValueError(f"{folder.name}: {entry.get('name')}: unknown {unknown}")
    content_type, body = _body(entry, folder)
    headers = {name.lower(): str(value) for name, value in (entry.get("headers") or {}).items()}
    if content_type:
        headers.setdefault("content-type", content_type)
    return Asked(
        name=entry["name"],
        method=entry.get("method", "POST"),
        path=entry["path"],
        headers=tuple(headers.items()),
        body=body,
        status=entry["status"],
        expect=entry.get("expect") or {},
        compare=tuple(entry.get("compare", COMPARED)),
        headers_compared=tuple(name.lower() for name in entry.get("headers_compared", ())),
        differs=entry.get("differs", ""),
    )


def _body(entry: Mapping[str, Any], folder: Path) -> tuple[str, bytes]:
    """Its content type, where the kind of body says one, and its bytes."""
    kind = next((kind for kind in BODIES if kind in entry), "")
    if kind == "json":
        return "application/json", json.dumps(entry["json"], default=str).encode()
    if kind == "body":
        return "", entry["body"].encode()
    if kind == "base64":
        return "", base64.b64decode(entry["base64"])
    if kind == "file":
        return "", (folder / entry["file"]).read_bytes()
    if kind == "multipart":
        parts = b"".join(_part(part, folder) for part in entry["multipart"])
        return f"multipart/form-data; boundary={BOUNDARY}", parts + f"--{BOUNDARY}--\r\n".encode()
    return "", b""


def _part(part: Mapping[str, Any], folder: Path) -> bytes:
    own_type, body = _body(part, folder)
    content_type = part.get("content_type", own_type)
    filename = f'; filename="{part["filename"]}"' if "filename" in part else ""
    head = [f"--{BOUNDARY}", f'Content-Disposition: form-data; name="{part["name"]}"{filename}']
    head += [f"Content-Type: {content_type}"] if content_type else []
    return "\r\n".join([*head, "", ""]).encode() + body + b"\r\n"


def _text(body: bytes) -> str:
    """Readable where it can be; no two bodies have one text."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return f"base64 {base64.b64encode(body).decode()}"

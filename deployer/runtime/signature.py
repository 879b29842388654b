"""AWS Signature Version 4 of one POST of JSON. boto3 is not in the image: its import is 0.6 s of cold start."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote, urlsplit

ALGORITHM = "AWS4-HMAC-SHA256"
DEFAULT_PORTS = {"http": 80, "https": 443}


class Credentials(NamedTuple):
    """`token` is empty for keys that do not run out."""

    access_key_id: str
    secret_access_key: str
    token: str = ""

    def __repr__(self) -> str:
        return f"Credentials({self.access_key_id})"


class Scope(NamedTuple):
    """What a signature is good for. `time` is in UTC, as `20261123T091500Z`."""

    service: str
    region: str
    time: str

    def __str__(self) -> str:
        return f"{self.time[:8]}/{self.region}/{self.service}/aws4_request"


def signed(
    url: str, headers: Mapping[str, str], body: bytes, *, credentials: Credentials, scope: Scope
) -> dict[str, str]:
    """The headers of a POST with that body: the given ones, and those of the signature. `url` has no query."""
    parts = urlsplit(url)
    whole = {**headers, "Host": _host(url), "X-Amz-Date": scope.time}
    if credentials.token:
        whole["X-Amz-Security-Token"] = credentials.token
    lines = sorted((name.lower(), " ".join(value.split())) for name, value in whole.items())
    names = ";".join(name for name, _ in lines)
    canonical = "\n".join(
        [
            "POST",
            quote(parts.path or "/", safe="/~"),
            "",
            *(f"{name}:{value}" for name, value in lines),
            "",
            names,
            hashlib.sha256(body).hexdigest(),
        ]
    )
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = "\n".join([ALGORITHM, scope.time, str(scope), hashed])
    signature = _hmac(_key(credentials, scope), to_sign).hex()
    credential = f"{credentials.access_key_id}/{scope}"
    whole["Authorization"] = f"{ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}"
    return whole


def _host(url: str) -> str:
    """As it is sent: with a port that is not the scheme's own."""
    parts = urlsplit(url)
    name = parts.hostname or ""
    name = f"[{name}]" if ":" in name else name
    own = parts.port is None or parts.port == DEFAULT_PORTS.get(parts.scheme)
    return name if own else f"{name}:{parts.port}"


def _key(credentials: Credentials, scope: Scope) -> bytes:
    key = f"AWS4{credentials.secret_access_key}".encode()
    for part in str(scope).split("/"):
        key = _hmac(key, part)
    return key


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()

"""Checks a request's AWS Signature Version 4 against the local AWS's one pair of keys."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from hmac import compare_digest

AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256\s+Credential=(?P<key>[^/,\s]+)/(?P<date>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request"
    r",\s*SignedHeaders=(?P<headers>[^,\s]+),\s*Signature=(?P<signature>[0-9a-f]{64})"
)
TIME_FORMAT = "%Y%m%dT%H%M%SZ"
ALLOWED_SKEW = timedelta(minutes=5)


@dataclass(frozen=True)
class SignedRequest:
    """A request as it came over the wire; header names in lower case."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Keys:
    """The local AWS's credentials."""

    access_key_id: str
    secret_access_key: str


def access_key_of(authorization: str) -> str:
    """The access key id that an Authorization header names, or nothing."""
    match = AUTHORIZATION.match(authorization)
    return match["key"] if match else ""


def is_signed(request: SignedRequest, *, keys: Keys, service: str, region: str, now: datetime | None = None) -> bool:
    """Whether the request carries a good signature for this service and region, not older than some minutes."""
    match = AUTHORIZATION.fullmatch(request.headers.get("authorization", "").strip())
    if match is None or (match["key"], match["service"], match["region"]) != (keys.access_key_id, service, region):
        return False
    stamp = request.headers.get("x-amz-date", "")
    if not _recent(stamp, now or datetime.now(timezone.utc)) or not stamp.startswith(match["date"]):
        return False
    names = match["headers"].split(";")
    if "host" not in names or not _body_as_claimed(request):
        return False
    return compare_digest(_signature(request, names, keys=keys, service=service, region=region), match["signature"])


def _recent(stamp: str, now: datetime) -> bool:
    try:
        signed = datetime.strptime(stamp, TIME_FORMAT).replace(tzinfo=timezone.utc)
    except ValueError:
        return False
    return abs(now - signed) <= ALLOWED_SKEW


def _body_as_claimed(request: SignedRequest) -> bool:
    claimed = request.headers.get("x-amz-content-sha256")
    return claimed in (None, "UNSIGNED-PAYLOAD", hashlib.sha256(request.body).hexdigest())


def _signature(request: SignedRequest, names: list[str], *, keys: Keys, service: str, region: str) -> str:
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    headers = {name: request.headers.get(name, "") for name in names}
    copy = AWSRequest(method=request.method, url=request.url, headers=headers, data=request.body)
    copy.context["timestamp"] = request.headers["x-amz-date"]
    signer = SigV4Auth(Credentials(keys.access_key_id, keys.secret_access_key), service, region)
    if "x-amz-content-sha256" in request.headers:
        copy.headers["X-Amz-Content-SHA256"] = request.headers["x-amz-content-sha256"]
    canonical = signer.canonical_request(copy)
    return str(signer.signature(signer.string_to_sign(copy, canonical), copy))

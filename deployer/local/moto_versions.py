"""The versions of one function in moto's own record of it, by Lambda's rules, which moto does not know.

A number is never given again while the function is there; a version is made only where something has changed since the
last one (API reference of PublishVersion); and what a version says stays as it was. The record holds `latest` and
`versions`; what we add to it goes when the function does.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any

from deployer.local.moto_settings import described

GIVEN = "deployer_highest_version"
OF_A_VERSION = ("Version", "FunctionArn", "LastModified", "State", "LastUpdateStatus")

Record = dict[str, Any]


def settle(record: Record, digest_of_uri: Callable[[str], str | None]) -> None:
    """After moto's own change: what versions must not share is each one's own, and times are as Lambda writes them."""
    for version in (record["latest"], *record["versions"]):
        version.code = dict(version.code)
        uri = str(version.code.get("ImageUri", ""))
        if version.code_sha_256 == hashlib.sha256(uri.encode()).hexdigest():  # moto's stand-in for a digest
            version.code_sha_256 = (digest_of_uri(uri) or "").removeprefix("sha256:")
        if version.last_modified.endswith("Z"):  # moto's way, to the nanosecond
            version.last_modified = f"{version.last_modified[:23]}+0000"
    for version in record["versions"]:
        if not hasattr(version, "deployer_content"):
            version.deployer_content = _content(version)
    record[GIVEN] = max(record.get(GIVEN, 0), *(number(version) for version in record["versions"]), 0)


def publish(record: Record, description: str) -> Any:
    """Version that `$LATEST` is now: the last one where nothing has changed since, else a new one. Settled before."""
    latest, versions = record["latest"], record["versions"]
    content = _content(latest)
    if versions and number(versions[-1]) == record[GIVEN] and versions[-1].deployer_content == content:
        return versions[-1]
    made = copy.copy(latest)
    made.set_version(record[GIVEN] + 1)
    made.code, made.last_modified, made.deployer_content = dict(latest.code), now(), content
    made.description = description or latest.description
    versions.append(made)
    record[GIVEN] += 1
    return made


def configurations(record: Record) -> list[Mapping[str, Any]]:
    """Of `$LATEST` and of each version, in the order of ListVersionsByFunction."""
    latest = described(record["latest"])
    return [
        {**latest, "FunctionArn": f"{latest['FunctionArn']}:$LATEST"},
        *(described(version) for version in sorted(record["versions"], key=number)),
    ]


def number(version: Any) -> int:
    """Of a published version."""
    return int(version.version)


def now() -> str:
    """As Lambda writes LastModified."""
    moment = datetime.now(timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}+0000"


def _content(version: Any) -> str:
    """All that makes two versions differ but their number and time."""
    said = {name: value for name, value in described(version).items() if name not in OF_A_VERSION}
    return json.dumps(said, sort_keys=True, default=str)

"""Function URLs as Lambda's control plane keeps them: one per function and qualifier (moto keeps one per function).

A URL's id follows from what it belongs to, so that it is the same again after a restart of the daemon or a new `up`.
"""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any

from deployer.local.functions import FunctionName


def _now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f+0000")


@dataclass(frozen=True)
class UrlConfig:
    """`qualifier` is an alias, or empty for the function itself. `auth_type` is `AWS_IAM` or `NONE`."""

    function: FunctionName
    qualifier: str
    auth_type: str
    invoke_mode: str = "BUFFERED"
    cors: Mapping[str, Any] | None = None
    created: str = field(default_factory=_now)
    modified: str = field(default_factory=_now)

    @property
    def id(self) -> str:
        parts = (self.function.account, self.function.region, self.function.name, self.qualifier)
        return base64.b32encode(hashlib.sha256("/".join(parts).encode()).digest()).decode().lower()[:32]

    @property
    def arn(self) -> str:
        return f"{self.function.arn}:{self.qualifier}" if self.qualifier else self.function.arn

    def described(self, gateway: str) -> dict[str, Any]:
        """As the Lambda API answers it; the URL is on `gateway`."""
        cors = {"Cors": dict(self.cors)} if self.cors else {}
        return {
            "FunctionUrl": f"{gateway}/lambda-url/{self.id}/",
            "FunctionArn": self.arn,
            "AuthType": self.auth_type,
            "InvokeMode": self.invoke_mode,
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
            **cors,
        }


class UrlConfigs:
    """All function URLs, by id."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._configs: dict[str, UrlConfig] = {}

    def by_id(self, url_id: str) -> UrlConfig | None:
        return self._configs.get(url_id)

    def of(self, function: FunctionName) -> tuple[UrlConfig, ...]:
        with self._lock:
            return tuple(config for config in self._configs.values() if config.function == function)

    def get(self, function: FunctionName, qualifier: str) -> UrlConfig | None:
        return next((config for config in self.of(function) if config.qualifier == qualifier), None)

    def create(self, config: UrlConfig) -> bool:
        """False, and nothing is changed, when there is one already."""
        with self._lock:
            return self._configs.setdefault(config.id, config) is config

    def update(self, config: UrlConfig, body: Mapping[str, Any]) -> UrlConfig:
        """UpdateFunctionUrlConfig: only what the request names changes."""
        changed = replace(
            config,
            auth_type=body.get("AuthType") or config.auth_type,
            invoke_mode=body.get("InvokeMode") or config.invoke_mode,
            cors=body.get("Cors", config.cors),
            modified=_now(),
        )
        with self._lock:
            self._configs[config.id] = changed
        return changed

    def delete(self, config: UrlConfig) -> None:
        with self._lock:
            self._configs.pop(config.id, None)

    def delete_alias(self, function: FunctionName, alias: str) -> None:
        config = self.get(function, alias)
        if config is not None:
            self.delete(config)

    def delete_function(self, function: FunctionName) -> None:
        for config in self.of(function):
            self.delete(config)

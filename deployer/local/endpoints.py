"""The daemon's two addresses: AWS itself, and beside it the registry, function URLs, HTTP APIs and the health page."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from werkzeug.wrappers import Request, Response

from deployer.local.address import HEALTH
from deployer.local.function_urls import FunctionUrls
from deployer.local.guard import refuse_other_names, refuse_strangers
from deployer.local.http_apis import HttpApis
from deployer.local.registry import Registry
from deployer.local.server import Wsgi, error
from deployer.local.signature import Keys

Part = Callable[[Request], Wsgi | None]


class Endpoint:
    """`AWS_ENDPOINT_URL`: our parts of its services, asked in turn, and moto for what none of them answers.

    Every request must come from this machine and name the local AWS's access key.
    """

    def __init__(self, parts: Sequence[Part], moto: Wsgi, keys: Keys) -> None:
        self._parts, self._moto, self._keys = parts, moto, keys

    def answer(self, request: Request) -> Wsgi:
        refused = refuse_other_names(request) or refuse_strangers(request, self._keys)
        if refused is not None:
            return refused
        answers = (part(request) for part in self._parts)
        return next((answer for answer in answers if answer is not None), self._moto)


class Gateway:
    """Chooses by the path's first part. `health` says how the daemon is; it holds no secret."""

    def __init__(
        self, registry: Registry, urls: FunctionUrls, apis: HttpApis, health: Callable[[], Mapping[str, Any]]
    ) -> None:
        self._registry, self._urls, self._apis, self._health = registry, urls, apis, health

    def answer(self, request: Request) -> Response:
        refused = refuse_other_names(request)
        if refused is not None:
            return refused
        if request.path == HEALTH:
            return Response(json.dumps(self._health()), content_type="application/json")
        if request.path.startswith("/v2/"):
            return self._registry.answer(request)
        if request.path.startswith("/lambda-url/"):
            return self._urls.answer(request)
        if request.path.startswith("/http-api/"):
            return self._apis.answer(request)
        return error(404, "Here are /v2/ (registry), /lambda-url/ (function URLs) and /http-api/ (HTTP APIs).")

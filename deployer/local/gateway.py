"""The daemon's second address: the registry, the function URLs and the health page, by the path's first part."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from werkzeug.wrappers import Request, Response

from deployer.local.function_urls import FunctionUrls
from deployer.local.guard import refuse_other_names
from deployer.local.registry import Registry
from deployer.local.server import error

HEALTH = "/_deployer/health"


class Gateway:
    """`health` says how the daemon is; it holds no secret."""

    def __init__(self, registry: Registry, urls: FunctionUrls, health: Callable[[], Mapping[str, Any]]) -> None:
        self._registry, self._urls, self._health = registry, urls, health

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
        return error(404, "Here are /v2/ (registry) and /lambda-url/ (function URLs).")

"""BentoML's own application with less of BentoML: for services that it provably serves as `bentoml serve` does.

Routes, input, output, errors, batching, dependencies and hooks are BentoML's code, unchanged. Left out are what Lambda
does itself or nobody can use there: OpenTelemetry's and Prometheus' middleware, the access log, the server's processes,
the cloud client, and the HTTP client for a service's calls of itself until it makes one. See decision 63.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from copy import deepcopy
from threading import Lock
from typing import Any

from .deferred import defer, deferring, execute

OLDEST, NEWEST = (1, 4, 19), (1, 4, 39)  # tests/corpus holds both, with either application, to the same answers
CLIENT = "_bentoml_impl.client"
NOT_NEEDED = (
    "bentoml._internal.cloud",
    "bentoml._internal.marshal.dispatcher",
    "bentoml._internal.utils.analytics",
    "_bentoml_impl.server.proxy",
    "_bentoml_impl.server.serving",
    "_bentoml_impl.tasks",
    CLIENT,
)
HTTPX_COMMAND = "httpx._main"  # its command line brings rich and pygments; httpx does without where it is missing
METRICS_OFF = "api_server.metrics.enabled=false"  # what `startup.prepare` sets itself
USERS_OWN = ("BENTOML_CONFIG", "BENTOCLOUD_DEPLOYMENT_URL")


def allowed(environment: Mapping[str, str]) -> bool:
    """Whether nothing asks BentoML to work otherwise."""
    options = environment.get("BENTOML_CONFIG_OPTIONS", "").replace(METRICS_OFF, "").strip()
    asked_for = options or environment.get("DEPLOYER_DISPATCH") == "full"
    return not asked_for and not any(environment.get(name) for name in USERS_OWN)


def knows(version: str) -> bool:
    """Whether this is a release of BentoML between those that the tests hold to the same answers."""
    return OLDEST <= tuple(int(part) for part in version.split(".")[:3] if part.isdigit()) <= NEWEST


def prepare() -> None:
    """Defer what is not needed. To be called before the service is imported; a second time it does nothing."""
    if not prepared():
        modules: dict[str, Any] = sys.modules
        modules.setdefault(HTTPX_COMMAND, None)  # which is how an import is refused
        defer(NOT_NEEDED, instead={CLIENT: {"RemoteProxy": OwnProxy}})


def prepared() -> bool:
    return deferring()


def give_up() -> None:
    """Let the full application find what it needs."""
    if prepared():
        execute(CLIENT)


def fits(service: Any) -> bool:
    """Whether the lean application answers as the full one does."""
    if not hasattr(service, "to_asgi"):
        return False
    from _bentoml_sdk import Service

    return (
        type(service) is Service
        and "opentelemetry" not in sys.modules  # who traces wants BentoML's spans
        and getattr(service, "cmd", None) is None
        and not hasattr(service.inner, "__command__")
        and not hasattr(service.inner, "__bentoml_gradio_apps__")
        and all(_in_process(each) for each in service.all_services().values())
    )


def application(service: Any) -> Any:
    """The ASGI application of a service that fits. Its lifespan creates the service."""
    from _bentoml_impl.server.app import BaseAppFactory, ContextMiddleware, ServiceAppFactory
    from bentoml._internal.context import trace_context
    from starlette.middleware import Middleware

    class LeanAppFactory(ServiceAppFactory):  # type: ignore[misc]
        @property
        def middlewares(self) -> list[Any]:
            """As in ServiceAppFactory without metrics, tracing and access log, and with an id for each request."""
            return [
                Middleware(RequestIds),
                *BaseAppFactory.middlewares.fget(self),
                *(Middleware(kind, **options) for kind, options in self.service.middlewares),
                Middleware(ContextMiddleware, context=self.service.context),
            ]

    trace_context.__class__ = _untraced(type(trace_context))
    for api in service.apis.values():
        for spec in (api.input_spec, api.output_spec):
            _remember_schema(spec)
    service.inject_config()
    return LeanAppFactory(service, is_main=True, enable_metrics=False)()


def is_lean(app: Any) -> bool:
    return any(layer.cls is RequestIds for layer in getattr(app, "user_middleware", ()))


def _remember_schema(spec: Any) -> None:
    """A spec of one value asks for its JSON schema at every request, and pydantic makes it anew each time."""
    from _bentoml_sdk.io_models import IORootModel

    made = spec.model_json_schema
    its_own = getattr(made, "__func__", None) is not IORootModel.model_json_schema.__func__  # or remembered already
    if not issubclass(spec, IORootModel) or its_own:
        return
    known: dict[str, Any] = {}

    def model_json_schema(*args: Any, **kwargs: Any) -> Any:
        if args or kwargs:
            return made(*args, **kwargs)
        if not known:
            known.update(made())
        return deepcopy(known)

    spec.model_json_schema = staticmethod(model_json_schema)


class RequestIds:
    """What OpenTelemetry's middleware does where nothing is exported: 64 bits for BentoML's X-BentoML-Request-ID."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        from bentoml._internal.context import trace_context

        trace_context.request_id = random.getrandbits(64)
        _trace_id.set(random.getrandbits(128))
        await self._app(scope, receive, send)


class OwnProxy:
    """Stands in for the client through which a service calls its own APIs, until it does."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._arguments = (args, kwargs)
        self._made: Any = None
        self._entered = False
        self._making = Lock()

    async def __aenter__(self) -> OwnProxy:
        self._entered = True  # earlier releases do not: their client is set up when it is made
        return self

    def _real(self) -> Any:
        with self._making:
            if self._made is None:
                args, kwargs = self._arguments
                made = execute(CLIENT).RemoteProxy(*args, **kwargs)
                if self._entered:
                    _run_without_waiting(made.__aenter__())
                self._made = made
            return self._made

    def __getattr__(self, name: str) -> Any:
        return _Part(self, name)


class _Part:
    """An attribute of the client. BentoML asks for each API's at every request, and mostly for nothing."""

    def __init__(self, proxy: OwnProxy, name: str) -> None:
        self._proxy, self._name = proxy, name

    def __getattr__(self, name: str) -> Any:
        return getattr(getattr(self._proxy._real(), self._name), name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return getattr(self._proxy._real(), self._name)(*args, **kwargs)


def _run_without_waiting(coroutine: Any) -> None:
    """The client of an application in this process only sets names up: its start waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise RuntimeError("BentoML's client waited for something while it was set up")


_trace_id: ContextVar[int] = ContextVar("trace_id", default=0)


def _untraced(kind: type[Any]) -> type[Any]:
    class TraceContext(kind):  # type: ignore[misc]
        """The ids of a request without asking OpenTelemetry, which would have to be imported for it."""

        trace_id = property(lambda self: _trace_id.get())
        span_id = property(lambda self: self.request_id or 0)
        sampled = property(lambda self: 0)

    return TraceContext


def _in_process(service: Any) -> bool:
    """Whether everything it depends on is created with it, and its settings are those that the tests have seen."""
    dependencies = service.dependencies.values()
    known = {"traffic", "resources", "workers", "threads", "envs", "endpoints", "name"}
    return not (set(service.config) - known) and all(
        dependency.on is not None and not dependency.url and not dependency.deployment for dependency in dependencies
    )

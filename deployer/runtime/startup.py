"""From the environment that the image sets to the running service. Once per execution environment: the cold start."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import Any

from . import lean
from .application import for_lambda
from .failed_start import FailedStart, log_failure
from .lifespan import run_startup

WRITABLE_FOLDERS = ("HOME", "BENTOML_HOME", "MPLCONFIGDIR", "NUMBA_CACHE_DIR", "JOBLIB_TEMP_FOLDER")
# Where Lambda itself waits for the init and must learn that it failed, instead of keeping what was started.
PREPARED_AHEAD = ("snap-start", "provisioned-concurrency")

ASGI = Any  # an ASGI application: `async (scope, receive, send) -> None`

logger = logging.getLogger("deployer")


class Function:
    """The service of a Lambda function. `loop` runs it; `event_route` gets the events that are no HTTP request."""

    def __init__(self, environment: MutableMapping[str, str]) -> None:
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)  # mangum takes the thread's current loop
        self.event_route = environment.get("DEPLOYER_EVENT_ROUTE", "")
        self._environment = environment
        self._app: ASGI = None

    @property
    def app(self) -> ASGI:
        """What answers the next request. After a failed start each request but the first tries again, as on Lambda."""
        if isinstance(self._app, FailedStart) and self._app.answered:
            self.try_to_start()
        return self._app

    def try_to_start(self) -> None:
        """Load and start the Bento. What was raised is one line of the log, and kept for the answers that say it."""
        try:
            self._app = _started(self._environment, self.loop)
        except (Exception, SystemExit) as error:
            log_failure(error, bento=self._environment.get("BENTO_PATH", ""))
            self._app = FailedStart(error)
        asyncio.set_event_loop(self.loop)  # `asyncio.run` at import leaves the thread without one


def start(environment: MutableMapping[str, str]) -> Function:
    """The function, started or answering that it is not. Raises where the init has to fail for that: PREPARED_AHEAD."""
    function = Function(environment)
    function.try_to_start()
    failed = function.app
    if isinstance(failed, FailedStart) and environment.get("AWS_LAMBDA_INITIALIZATION_TYPE") in PREPARED_AHEAD:
        if isinstance(failed.error, Exception):
            raise failed.error
        raise RuntimeError(f"the service ended itself: SystemExit: {failed.error}") from failed.error
    return function


def prepare(environment: MutableMapping[str, str]) -> None:
    """Make the folders that libraries want to write to, and switch BentoML's metrics off.

    BentoML 1.0 and 1.1 fail to start with metrics on, for want of a Prometheus folder; 1.4 does not heed the switch.
    """
    for name in WRITABLE_FOLDERS:
        if name in environment:
            Path(environment[name]).mkdir(parents=True, exist_ok=True)
    options = environment.get("BENTOML_CONFIG_OPTIONS", "")
    if lean.METRICS_OFF not in options:
        environment["BENTOML_CONFIG_OPTIONS"] = f"{options} {lean.METRICS_OFF}".strip()


def load(environment: MutableMapping[str, str]) -> Any:
    """The Bento's service, imported and not started, with less of BentoML where that is known to do."""
    bento = environment["BENTO_PATH"]
    prepare(environment)
    import bentoml  # only now: it reads its settings from the environment when it is imported

    known = lean.knows(bentoml.__version__) or environment.get("DEPLOYER_DISPATCH") == "lean"
    if known and lean.allowed(environment):
        lean.prepare()
    gc.disable()  # imports make a million objects, and hardly any garbage
    try:
        return bentoml.load(bento, standalone_load=True)
    finally:
        gc.freeze()  # so that later collections need not look at them
        gc.enable()


def application(service: Any) -> ASGI:
    """Its ASGI application: the lean one where that answers alike."""
    if lean.prepared() and lean.fits(service):
        return lean.application(service)
    lean.give_up()
    return service.to_asgi() if hasattr(service, "to_asgi") else service.asgi_app


def _started(environment: MutableMapping[str, str], loop: asyncio.AbstractEventLoop) -> ASGI:
    """The ASGI start-up runs here and not per request: in BentoML it is what loads the models."""
    began = time.perf_counter()
    if environment.get("DEPLOYER_SECRETS"):
        from .secrets import resolve  # only then: signing and HTTP are imports

        resolve(environment)
    service = load(environment)
    app = application(service)
    _answer_errors_inside(app)
    for hook in _deployment_hooks(service):
        hook()
    run_startup(app, loop=loop)
    seconds, dispatch = time.perf_counter() - began, "lean" if lean.is_lean(app) else "full"
    logger.info("%s started in %.2f s, %s", service.name, seconds, dispatch, extra={"dispatch": dispatch})
    prefix = _path_prefix(service)
    return for_lambda(
        app,
        documentation=environment.get("DEPLOYER_DOCUMENTATION") != "off",
        tasks=_task_routes(service, prefix),
        prefix=prefix,
        own_pages=any(path in ("", "/", prefix) for _, path, *_ in getattr(service, "mount_apps", ())),
        whole_paths=_paths_are_whole(),
    )


def _answer_errors_inside(app: ASGI) -> None:
    """BentoML's time limit waits out its 60 s where an error outside of an API has prevented the response."""
    layers = getattr(app, "user_middleware", [])  # Starlette's, which BentoML's applications are
    limits = [place for place, layer in enumerate(layers) if layer.cls.__name__ == "TimeoutMiddleware"]
    if limits:
        from starlette.middleware import Middleware
        from starlette.middleware.errors import ServerErrorMiddleware

        layers.insert(limits[0] + 1, Middleware(ServerErrorMiddleware))


def _deployment_hooks(service: Any) -> list[Callable[[], Any]]:
    """What `bentoml serve` calls before its workers start: `on_deployment` of the service and of its dependencies."""
    if not hasattr(service, "all_services"):
        return list(getattr(service, "deployment_hooks", ()))
    kinds = [each.inner for each in service.all_services().values()]
    members = [getattr(kind, name) for kind in kinds for name in dir(kind)]
    return [member for member in members if callable(member) and hasattr(member, "__bentoml_deployment_hook__")]


def _paths_are_whole() -> bool:
    """Starlette looks for its root path in the request's path since 0.35, as ASGI says; before, it put it there."""
    from starlette import _utils

    return hasattr(_utils, "get_route_path")


def _path_prefix(service: Any) -> str:
    """`/v1`, or nothing: services have one since BentoML 1.4."""
    prefix = str(getattr(service, "path_prefix", None) or "").strip("/")
    return f"/{prefix}" if prefix else ""


def _task_routes(service: Any, prefix: str) -> frozenset[str]:
    """Routes with a task queue behind them: those of services since BentoML 1.3 alone."""
    apis = getattr(service, "apis", None)
    tasks = [api.route for api in apis.values() if getattr(api, "is_task", False)] if isinstance(apis, dict) else []
    return frozenset(f"{prefix}{route}".rstrip("/") for route in tasks)

"""What of a Bento cannot work on Lambda, or works otherwise there, in a line each and with what to do about it.

Nothing is refused: the code that was found may never run, and the rest of the service works.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from deployer.config import Spec
from deployer.config.schema_spec import NO_FUNCTION_URLS, REGIONS_WITHOUT_FUNCTION_URLS
from deployer.models import Route
from deployer.tools.code_uses import Use
from deployer.tools.lambda_gaps import Gap
from deployer.tools.route_schema import is_stream

SHOWN = 4  # places in one line
API_SECONDS = 30  # that an HTTP API waits for its integration, a limit that cannot be raised


def remarks(routes: Sequence[Route], uses: Sequence[Use], spec: Spec) -> tuple[str, ...]:
    """What people should know before it is deployed."""
    return (*_endpoint(spec), *_tasks(routes, spec), *_streams(routes, spec), *_code(uses))


def _endpoint(spec: Spec) -> Iterator[str]:
    if spec.auth == "none":
        yield "spec.auth is none: anybody may call the endpoint, at your cost. `auth: iam` asks for signed requests."
    if spec.region in REGIONS_WITHOUT_FUNCTION_URLS:
        yield NO_FUNCTION_URLS.format(region=spec.region)
    if spec.endpoint == "http_api" and spec.timeout > API_SECONDS:
        yield (
            f"spec.endpoint is http_api, which answers 503 after {API_SECONDS} s; spec.timeout is {spec.timeout} s."
            " `endpoint: function_url` waits for all of it."
        )


def _tasks(routes: Sequence[Route], spec: Spec) -> Iterator[str]:
    paths = [route.path for route in routes if route.is_task]
    if paths:
        first = paths[0].rstrip("/")
        yield (
            f"{_listed(paths)}: a function keeps no task queue, so {first}/submit, /status, /get, /retry and /cancel"
            f" are answered with 501. POST {paths[0]} itself works, within spec.timeout ({spec.timeout} s)."
        )


def _streams(routes: Sequence[Route], spec: Spec) -> Iterator[str]:
    paths = [route.path for route in routes if is_stream(route.output_schema)]
    if paths and spec.invoke_mode == "BUFFERED":
        yield f"{_listed(paths)}: the answer arrives whole; `spec: {{invoke_mode: RESPONSE_STREAM}}` sends as it goes."


def _code(uses: Sequence[Use]) -> Iterator[str]:
    for gap in Gap:
        met = [f"{use.name} ({use.place})" for use in uses if use.gap is gap]
        if met:
            yield f"{_listed(met)}: {gap.value}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{', '.join(names[:SHOWN])}{more}"

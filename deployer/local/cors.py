"""CORS as function URLs and HTTP APIs are configured for it: what a preflight is answered, what a response gets.

The rules are those of Lambda's developer guide, "Creating and managing Lambda function URLs", and of API Gateway's,
"Configure CORS for HTTP APIs".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from werkzeug.wrappers import Request, Response

PREFIX = "access-control-"


@dataclass(frozen=True)
class Cors:
    """A configuration: Lambda's `AllowOrigins` is API Gateway's `allowOrigins`, and so for every other key."""

    origins: Sequence[str] = ()
    methods: Sequence[str] = ()
    headers: Sequence[str] = ()
    exposed: Sequence[str] = ()
    max_age: int | None = None
    credentials: bool = False

    @classmethod
    def of(cls, configured: Mapping[str, Any]) -> Cors:
        keys = {name[:1].lower() + name[1:]: value for name, value in configured.items()}
        return cls(
            origins=keys.get("allowOrigins") or (),
            methods=keys.get("allowMethods") or (),
            headers=keys.get("allowHeaders") or (),
            exposed=keys.get("exposeHeaders") or (),
            max_age=keys.get("maxAge"),
            credentials=bool(keys.get("allowCredentials")),
        )

    def preflight(self, request: Request, *, status: int) -> Response:
        """The answer to a preflight; one from an origin that is not allowed says nothing of CORS."""
        response = Response(status=status)
        response.headers.clear()
        response.headers.extend(self._allowed(request, preflight=True))
        return response

    def add_to(self, response: Response, request: Request) -> None:
        """Add what a page of the request's origin needs, beside what the response says already."""
        for name, value in self._allowed(request, preflight=False):
            response.headers.add(name, value)

    def _allowed(self, request: Request, *, preflight: bool) -> Iterator[tuple[str, str]]:
        origin = request.headers.get("Origin", "")
        if not origin or not any(fnmatchcase(origin, pattern) for pattern in self.origins):
            return
        yield "Access-Control-Allow-Origin", origin if self.credentials or "*" not in self.origins else "*"
        if self.credentials:
            yield "Access-Control-Allow-Credentials", "true"
        if self.exposed:
            yield "Access-Control-Expose-Headers", ",".join(self.exposed)
        if preflight:
            yield from self._of_a_preflight()

    def _of_a_preflight(self) -> Iterator[tuple[str, str]]:
        if self.methods:
            yield "Access-Control-Allow-Methods", ",".join(self.methods)
        if self.headers:
            yield "Access-Control-Allow-Headers", ",".join(self.headers)
        if self.max_age is not None:
            yield "Access-Control-Max-Age", str(self.max_age)


def is_preflight(request: Request) -> bool:
    """Whether a browser asks what it may ask."""
    asks = "Origin" in request.headers and "Access-Control-Request-Method" in request.headers
    return request.method == "OPTIONS" and asks


def remove_from(response: Response) -> None:
    """Take away what the function itself said of CORS."""
    for name in {name for name, _ in response.headers if name.lower().startswith(PREFIX)}:
        response.headers.remove(name)

"""Two mounted ASGI applications, one under a path and one at the root, beside an API."""

from __future__ import annotations

import bentoml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route


async def hello(request: Request) -> Response:
    return PlainTextResponse(f"hello {request.path_params['name']}")


async def form(request: Request) -> Response:
    text = (await request.body()).decode()
    return JSONResponse({"method": request.method, "body": text, "query": request.query_params.multi_items()})


async def bytes_of(request: Request) -> Response:
    return Response(bytes(range(256)), media_type="application/octet-stream")


async def cookies(request: Request) -> Response:
    response = PlainTextResponse("two cookies", status_code=418)
    response.set_cookie("a", "1")
    response.set_cookie("b", "2")
    return response


async def moved(request: Request) -> Response:
    return RedirectResponse("/app/hello/you", status_code=307)


async def broken(request: Request) -> Response:
    raise RuntimeError("inside the mounted application")


async def about(request: Request) -> Response:
    return PlainTextResponse("about")


async def service_says(request: Request) -> Response:
    instance = bentoml.get_current_service()
    return PlainTextResponse(instance.prefix)


application = Starlette(
    routes=[
        Route("/hello/{name}", hello),
        Route("/form", form, methods=["POST", "PUT", "PATCH", "DELETE"]),
        Route("/bytes", bytes_of),
        Route("/cookies", cookies),
        Route("/moved", moved),
        Route("/broken", broken),
        Route("/service", service_says),
    ]
)
root = Starlette(routes=[Route("/about", about)])


@bentoml.asgi_app(application, path="/app")
@bentoml.asgi_app(root, path="/")
@bentoml.service
class Mounted:
    prefix = "of the service"

    @bentoml.api
    def shout(self, text: str) -> str:
        return text.upper()

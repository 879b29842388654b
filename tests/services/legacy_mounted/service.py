"""A Starlette application in the server of a service of BentoML 1.0 to 1.3, and a middleware around all of it."""

import bentoml
from bentoml.io import JSON
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

legacy = getattr(bentoml, "legacy", bentoml)


class Marked:
    """Adds a header to each answer."""

    def __init__(self, app, value="yes"):
        self.app, self.value = app, value

    async def __call__(self, scope, receive, send):
        async def marked(message):
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), (b"x-marked", self.value.encode())]
                message = {**message, "headers": headers}
            await send(message)

        await self.app(scope, receive, marked)


async def hello(request):
    return PlainTextResponse(f"hello {request.path_params['name']}")


async def form(request):
    text = (await request.body()).decode()
    return JSONResponse({"method": request.method, "body": text, "query": request.query_params.multi_items()})


async def binary(request):
    return Response(bytes(range(256)), media_type="application/octet-stream")


async def moved(request):
    return RedirectResponse("/app/hello/you", status_code=307)


async def broken(request):
    raise RuntimeError("inside the mounted application")


application = Starlette(
    routes=[
        Route("/hello/{name}", hello),
        Route("/form", form, methods=["POST", "PUT", "DELETE"]),
        Route("/binary", binary),
        Route("/moved", moved),
        Route("/broken", broken),
    ]
)
svc = legacy.Service("legacy_mounted")
svc.mount_asgi_app(application, path="/app")
svc.add_asgi_middleware(Marked, value="by the service")


@svc.api(input=JSON(), output=JSON())
def double(value):
    return 2 * value

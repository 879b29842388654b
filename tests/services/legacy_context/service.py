"""What a request brings and an answer takes beside its body: the context of BentoML 1.0 to 1.3."""

import bentoml
from bentoml.io import JSON, Text

legacy = getattr(bentoml, "legacy", bentoml)
svc = legacy.Service("legacy_context")
started = []


@svc.on_startup
def start(context):
    started.append("sync")


@svc.on_startup
async def start_async(context):
    started.append("async")


@svc.api(input=JSON(), output=JSON())
def seen(value, ctx: bentoml.Context):
    request = ctx.request
    headers = {name: request.headers.get(name) for name in ("x-one", "x-two", "content-type", "cookie")}
    return {"value": value, "headers": headers, "query": dict(request.query_params)}


@svc.api(input=Text(), output=Text())
def created(text, ctx):
    ctx.response.status_code = 201
    ctx.response.headers["X-Place"] = "/things/1"
    return text


@svc.api(input=Text(), output=Text())
async def login(user, ctx):
    ctx.response.set_cookie("session", f"s-{user}", httponly=True, secure=True, samesite="strict")
    ctx.response.set_cookie("theme", "dark", max_age=3600, path="/app")
    return f"hello {user}"


@svc.api(input=JSON(), output=JSON())
def refused(value, ctx):
    ctx.response.status_code = 422
    return {"detail": value}


@svc.api(input=JSON(), output=JSON())
def started_by(_):
    return started

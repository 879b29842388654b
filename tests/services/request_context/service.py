"""What a request brings beside its body, and what an answer takes: status, headers, cookies, a state."""

import bentoml


@bentoml.service
class Context:
    @bentoml.api
    def seen(self, name: str, ctx: bentoml.Context) -> dict:
        request = ctx.request
        return {
            "name": name,
            "method": request.method,
            "path": request.url.path,
            "query": request.query_params.multi_items(),
            "headers": {key: request.headers.get(key) for key in ("x-one", "x-two", "content-type")},
            "cookies": request.cookies,
        }

    @bentoml.api
    def created(self, ctx: bentoml.Context) -> str:
        ctx.response.status_code = 201
        ctx.response.headers["X-Place"] = "/things/1"
        ctx.response.headers.append("X-Several", "one")
        ctx.response.headers.append("X-Several", "two")
        return "made"

    @bentoml.api
    async def login(self, user: str, context: bentoml.Context) -> str:
        context.response.set_cookie("session", f"s-{user}", httponly=True, secure=True, samesite="strict")
        context.response.set_cookie("theme", "dark", max_age=3600, path="/app")
        context.response.set_cookie("language", "de")
        return f"hello {user}"

    @bentoml.api
    def own_type(self, ctx: bentoml.Context) -> str:
        ctx.response.headers["Content-Type"] = "text/csv; charset=utf-8"
        return "a;b\n"

    @bentoml.api
    def no_content(self, ctx: bentoml.Context) -> str:
        ctx.response.status_code = 204
        return ""

    @bentoml.api
    def remembered(self, ctx: bentoml.Context) -> bool:
        known = "known" in ctx.state
        ctx.state["known"] = True
        return known

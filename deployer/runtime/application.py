"""What is changed about the Bento's ASGI application: only what cannot work on Lambda."""

from __future__ import annotations

from typing import Any


def without_metrics(app: Any) -> Any:
    """Answer `/metrics` with 404: nothing can scrape a function, and BentoML's route crashes without its own server."""

    async def guarded(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"].rstrip("/") != "/metrics":
            await app(scope, receive, send)
            return
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 404, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"error":"metrics are off on AWS Lambda"}'})

    return guarded

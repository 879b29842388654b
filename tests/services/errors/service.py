"""Every way to fail: BentoML's exceptions, an uncaught one, and requests that no API was written for."""

from __future__ import annotations

from http import HTTPStatus

import bentoml
from bentoml import exceptions
from starlette.exceptions import HTTPException


class TooDifficult(exceptions.BentoMLException):
    error_code = HTTPStatus.UNPROCESSABLE_ENTITY


class Forbidden(exceptions.BentoMLException):
    error_code = HTTPStatus.FORBIDDEN


RAISED = {
    "invalid": exceptions.InvalidArgument("this is not valid"),
    "bad input": exceptions.BadInput("this is bad"),
    "not found": exceptions.NotFound("nothing here"),
    "unavailable": exceptions.ServiceUnavailable("too busy"),
    "internal": exceptions.InternalServerError("secret details"),
    "unauthorized": exceptions.BentoMLException("who?", error_code=HTTPStatus.UNAUTHORIZED),
    "forbidden": Forbidden("not you"),
    "difficult": TooDifficult("more than 3"),
    "teapot": exceptions.BentoMLException("short and stout", error_code=HTTPStatus.IM_A_TEAPOT),
    "value": ValueError("secret details"),
    "key": KeyError("missing"),
    "http": HTTPException(status_code=409, detail="a conflict"),
    "stop": StopIteration("the end"),
    "exit": SystemExit(3),
}


@bentoml.service
class Errors:
    @bentoml.api
    def fail(self, how: str) -> str:
        raise RAISED[how]

    @bentoml.api
    async def fail_async(self, how: str) -> str:
        raise RAISED[how]

    @bentoml.api
    def ok(self, value: int = 1) -> int:
        return value

    @bentoml.api
    def wrong_answer(self) -> int:
        return "text"  # type: ignore[return-value]

"""What an API of the local AWS would not do, and how it says so."""

from __future__ import annotations

from werkzeug.wrappers import Response

from deployer.local.server import error


class Refused(Exception):
    """The text is the API's message, `kind` the exception's name."""

    def __init__(self, message: str, *, kind: str = "InvalidParameterValueException", status: int = 400) -> None:
        super().__init__(message)
        self.kind, self.status = kind, status

    @property
    def answer(self) -> Response:
        return error(self.status, str(self), kind=self.kind)


def not_found(message: str) -> Refused:
    return Refused(message, kind="ResourceNotFoundException", status=404)


def conflict(message: str) -> Refused:
    return Refused(message, kind="ResourceConflictException", status=409)

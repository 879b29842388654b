"""Requests for a part of one of a function's qualifiers: `/functions/NAME/PART?Qualifier=…`, and refusals of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from werkzeug.wrappers import Request, Response

from deployer.local.api_requests import function_of, region_of
from deployer.local.functions import LATEST, FunctionName, NoSuchFunction
from deployer.local.moto_aws import ACCOUNT, MotoAws
from deployer.local.refusal import Refused, not_found

PATH = re.compile(r"/20\d\d-\d\d-\d\d/functions/(?P<function>[^/]+)/(?P<part>[a-z-]+)(?P<list>/list)?/?")


@dataclass(frozen=True)
class Qualified:
    """`qualifier` is `$LATEST` where none is named; `lists`: every qualifier of the function is asked for."""

    function: FunctionName
    qualifier: str
    lists: bool

    @property
    def arn(self) -> str:
        return f"{self.function.arn}:{self.qualifier}"


def answered(
    request: Request, aws: MotoAws, part: str, answer: Callable[[Request, Qualified], Response | None]
) -> Response | None:
    """What `answer` says under the lock of a request for this part of a qualifier that is there; None for any other."""
    region, path = region_of(request, service="lambda"), PATH.fullmatch(request.path)
    named = function_of(path["function"], account=ACCOUNT, region=region) if region and path else None
    if named is None or path is None or path["part"] != part:
        return None
    function, qualifier = named
    lists = bool(path["list"]) or "List" in request.args
    asked = Qualified(function, qualifier or request.args.get("Qualifier") or LATEST, lists)
    with aws.lock:
        try:
            aws.version(function, asked.qualifier)
            return answer(request, asked)
        except NoSuchFunction as missing:
            return not_found(str(missing)).answer
        except Refused as refused:
            return refused.answer

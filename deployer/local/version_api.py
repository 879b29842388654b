"""PublishVersion and ListVersionsByFunction by Lambda's rules, which moto does not know; moto keeps the versions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from werkzeug.wrappers import Request, Response

from deployer.local.api_requests import body_of, function_of, json_answer, region_of
from deployer.local.functions import LATEST, FunctionName, NoSuchFunction
from deployer.local.lambda_limits import require_description
from deployer.local.moto_aws import ACCOUNT, MotoAws
from deployer.local.publishing import Publishing
from deployer.local.refusal import Refused, not_found

PATH = re.compile(r"/20\d\d-\d\d-\d\d/functions/(?P<function>[^/]+)/versions/?")
PAGE = 50  # versions in one answer, however many are asked for


class VersionApi:
    """Answers requests for versions; `answer` returns None for any other."""

    def __init__(self, aws: MotoAws, publishing: Publishing) -> None:
        self._aws, self._publishing = aws, publishing

    def answer(self, request: Request) -> Response | None:
        region, path = region_of(request, service="lambda"), PATH.fullmatch(request.path)
        named = function_of(path["function"], account=ACCOUNT, region=region) if region and path else None
        if named is None or request.method not in ("GET", "POST"):
            return None
        with self._aws.lock:
            try:
                if request.method == "POST":
                    return json_answer(201, self._published(named[0], body_of(request)))
                return json_answer(200, self._listed(named[0], request.args))
            except NoSuchFunction as missing:
                return not_found(str(missing)).answer
            except Refused as refused:
                return refused.answer

    def _published(self, function: FunctionName, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        require_description(asked)
        current, expected = self._aws.configuration(function, LATEST)["CodeSha256"], asked.get("CodeSha256")
        if expected and expected != current:
            raise Refused(
                f"CodeSHA256 ({expected}) is different from current CodeSHA256 in $LATEST ({current}). "
                "Please try again with the CodeSHA256 in $LATEST."
            )
        return self._publishing.publish(function, asked.get("Description") or "")

    def _listed(self, function: FunctionName, asked: Mapping[str, str]) -> Mapping[str, Any]:
        """A page. Its marker is the last version in it, so that deleting versions between pages loses none."""
        size, after = _number(asked, "MaxItems", PAGE), _number(asked, "Marker", -1)
        left = [one for one in self._aws.configurations(function) if _order(one) > after]
        page = left[: min(max(size, 1), PAGE)]
        more = {"NextMarker": str(_order(page[-1]))} if len(page) < len(left) else {}
        return {"Versions": page, **more}


def _order(configuration: Mapping[str, Any]) -> int:
    """`$LATEST` comes before the first version."""
    version = str(configuration["Version"])
    return 0 if version == LATEST else int(version)


def _number(asked: Mapping[str, str], name: str, otherwise: int) -> int:
    text = asked.get(name, str(otherwise))
    try:
        return int(text)
    except ValueError:
        raise Refused(f"Value {text!r} at {name!r} is not one that this API gave.") from None

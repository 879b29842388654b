"""One invocation of a function that is waited for, as the Lambda API answers it."""

from __future__ import annotations

import base64
import json
from typing import Any

from deployer.models import Invoked
from deployer.tools.http_integration import DELIMITER

ALIAS = "live"
TAIL_BYTES = 4096  # of a log that Lambda hands back: more is cut at its beginning


def invoke(client: Any, function: str, payload: bytes) -> Invoked:
    """Whatever the function answered, its failure included; `client` is boto3's for Lambda and may raise."""
    said = client.invoke(FunctionName=function, Qualifier=ALIAS, Payload=payload, LogType="Tail")
    answer = _parsed(said["Payload"].read())
    error = answer if isinstance(answer, dict) else {}
    failed = bool(said.get("FunctionError"))
    return Invoked(
        function_name=function,
        version=str(said.get("ExecutedVersion", "")),
        answer=None if failed else answer,
        error_type=str(error.get("errorType") or said["FunctionError"]) if failed else "",
        error_message=str(error.get("errorMessage") or "") if failed else "",
        log=tuple(log_lines(base64.b64decode(said.get("LogResult", "")))),
    )


def _parsed(payload: bytes) -> Any:
    """A streamed HTTP response as one that is not; what else is no JSON is text."""
    head, streamed, body = payload.partition(DELIMITER)
    try:
        answer = json.loads(head if streamed else payload)
    except ValueError:
        return payload.decode("utf-8", "replace")
    return {**answer, "body": body.decode("utf-8", "replace")} if streamed else answer


def log_lines(tail: bytes) -> list[str]:
    """The lines of a log as Lambda hands it back, and of one that it has cut those that can be read."""
    lines = tail.decode("utf-8", "replace").splitlines()
    return [*_rest_of_record(lines[0]), *lines[1:]] if lines and len(tail) >= TAIL_BYTES else lines


def _rest_of_record(cut: str) -> list[str]:
    """The whole lines that are left of a JSON record's text, such as the end of a traceback; of other lines none."""
    try:
        text, _ = json.JSONDecoder().raw_decode(f'"{cut}')
    except ValueError:
        return []
    return str(text).splitlines()[1:]

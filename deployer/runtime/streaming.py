"""The runtime of a function that streams its responses: `python3 -m deployer_runtime.streaming`.

awslambdaric runs it as it runs every handler: logging, context, init errors, SnapStart. Only the answer of a streamed
request is not posted by it, because `deployer_runtime.streamed_handler` has posted that already, piece by piece.
"""

from __future__ import annotations

import os
from typing import Any

from awslambdaric import bootstrap
from awslambdaric.lambda_runtime_client import LambdaRuntimeClient
from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller

from .response_post import POSTED

HANDLER = "deployer_runtime.streamed_handler.handle"


class Marshaller(LambdaMarshaller):  # type: ignore[misc]  # awslambdaric has no types
    """awslambdaric's own, which leaves a response that is posted already as it is."""

    def marshal_response(self, response: Any) -> Any:
        return (POSTED, "") if response is POSTED else super().marshal_response(response)


class StreamingClient(LambdaRuntimeClient):  # type: ignore[misc]
    """awslambdaric's own, which posts nothing where the response is posted already."""

    marshaller = Marshaller()

    def post_invocation_result(self, invoke_id: str, result_data: Any, *more: Any) -> None:
        if result_data is not POSTED:
            super().post_invocation_result(invoke_id, result_data, *more)


if __name__ == "__main__":
    bootstrap.run(HANDLER, StreamingClient(os.environ["AWS_LAMBDA_RUNTIME_API"]))

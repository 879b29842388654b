"""The Lambda handler. Importing this module is the cold start: the Bento is loaded and its service started once.

`awslambdaric` imports it as `deployer_runtime.handler`; what is raised here, Lambda reports as a failed init.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from awslambdaric.lambda_runtime_marshaller import to_json
from mangum import Mangum

from . import logs, snapstart
from .application import below
from .events import TEXT_TYPES, as_request, as_result
from .limits import within_limit
from .startup import Function, start


def answering(function: Function) -> Callable[[Any, Any], Any]:
    """The handler that answers whole: an HTTP response, or for any other event the JSON of its route's answer."""
    text_types = [*TEXT_TYPES]

    def handle(event: Any, context: Any) -> Any:
        asked = as_request(event, default_route=function.event_route)
        began = time.perf_counter()
        app = below(function.app, asked.root_path)
        response = Mangum(app, lifespan="off", text_mime_types=text_types)(asked.event, context)
        if not asked.plain:
            response = within_limit(asked, response, encode=to_json)
        logs.request_line(context, asked.route, response["statusCode"], time.perf_counter() - began)
        return within_limit(asked, as_result(asked, response), encode=to_json) if asked.plain else response

    return handle


logs.configure()
snapstart.register()
function = start(os.environ)
handle = answering(function)

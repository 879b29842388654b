"""The handler of `deployer_runtime.streaming`. Importing this module is the cold start, as it is with `handler`."""

from __future__ import annotations

import os

from .handler import function
from .handler import handle as whole
from .streamed import streaming

handle = streaming(function, address=os.environ["AWS_LAMBDA_RUNTIME_API"], whole=whole)

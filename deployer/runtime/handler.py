"""The Lambda handler. Importing this module is the cold start: the Bento is loaded and its service started once.

`awslambdaric` imports it as `deployer_runtime.handler`; what is raised here, Lambda reports as a failed init.
"""

from __future__ import annotations

import os

from .startup import start

handle = start(os.environ)

"""Starts bentoctl's own command line with its image calls in deployer's hands.

Runs in bentoctl's environment. Without Docker its container backend, tag and push are replaced by `deployer image`;
with Docker they are its own, with our Dockerfile before them and a look at what was pushed after them.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import bentoctl.cli
import bentoctl.docker_utils

PARENT_CHECK_SECONDS = 0.5


def main() -> None:
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    images = _images(json.loads(Path(os.environ["DEPLOYER_JOB"]).read_text(encoding="utf-8")))
    bentoctl.docker_utils.container = images
    bentoctl.cli.tag_docker_image = images.tag
    bentoctl.cli.push_docker_image_to_repository = images.push
    bentoctl.cli.bentoctl(prog_name="bentoctl")


def _images(job: dict[str, Any]) -> Any:
    """This file is run as a program, so its folder is on the path and `deployer` is not."""
    from images.calls import ImageCalls  # type: ignore[import-not-found]

    if job["builder"] == "docker":
        from images.with_docker import DockerImages  # type: ignore[import-not-found]

        return DockerImages(ImageCalls(job))
    from images.without_docker import Images  # type: ignore[import-not-found]

    return Images(ImageCalls(job))


def _end_with_parent(parent: int) -> None:
    """A deployer that was killed must not be followed by a push it no longer knows of: end this session's processes."""
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_SECONDS)
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()

"""Starts bentoctl's own command line with its container backend, tag and push replaced by calls of `deployer image`.

Runs in bentoctl's environment. What the calls answered, or why one failed, is left in the job's result file.
Lines that begin with PROGRESS are for the user; all else that is printed is for the log.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import IO, Any

import bentoctl.cli
import bentoctl.docker_utils
from bentoctl.exceptions import BentoctlDockerException

PROGRESS = "[image] "
KEPT_LINES = 8
INTERRUPT_SECONDS = 20
PARENT_CHECK_SECONDS = 0.5


def main() -> None:
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    job = json.loads(Path(os.environ["DEPLOYER_JOB"]).read_text(encoding="utf-8"))
    images = Images(job)
    bentoctl.docker_utils.container = images
    bentoctl.cli.tag_docker_image = images.tag
    bentoctl.cli.push_docker_image_to_repository = images.push
    bentoctl.cli.bentoctl(prog_name="bentoctl")


class Images:
    """Stands where bentoctl expects BentoML's container module, its buildx backend and Docker's push."""

    def __init__(self, job: dict[str, Any]) -> None:
        self._job = job
        self._result: dict[str, Any] = {}

    def health(self, backend: str) -> bool:
        return True

    def get_backend(self, backend: str) -> Images:
        return self

    def build(self, *, context_path: str, **buildx_options: object) -> None:
        self._call("build", context_path, "--layout", self._job["layout"])

    def tag(self, local: str, remote: str) -> None:
        """Nothing to do: a layout has no names, the push gives it one."""

    def push(self, *, repository: str, username: str | None = None, password: str | None = None) -> None:
        registry = ["--registry-url", self._job["registry_url"]] if self._job["registry_url"] else []
        self._call("push", self._job["layout"], repository, *registry)

    def _call(self, verb: str, *arguments: str) -> None:
        """Run `deployer image VERB`; its JSON answer, or its last words, go to the result file."""
        returncode, stdout, words = _run([*self._job["image_command"], verb, *arguments], _environment(self._job))
        if returncode == 0:
            try:
                self._result[verb] = json.loads(stdout)
            except ValueError:
                returncode, words = 1, [f"its answer is not JSON: {stdout[:200]!r}"]
        if returncode != 0:
            self._result["failure"] = {"step": f"image {verb}", "words": words}
        Path(self._job["result"]).write_text(json.dumps(self._result), encoding="utf-8")
        if returncode != 0:
            raise BentoctlDockerException(f"`deployer image {verb}` ended with exit code {returncode}")


def _end_with_parent(parent: int) -> None:
    """A deployer that was killed must not be followed by a push it no longer knows of: end this session's processes."""
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_SECONDS)
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)


def _environment(job: dict[str, Any]) -> dict[str, str]:
    """The environment deployer itself was started with: bentoctl's differs in what the job lists."""
    restored: dict[str, str | None] = job["restored_variables"]
    merged = {**os.environ, **restored}
    return {name: value for name, value in merged.items() if value is not None}


def _run(argv: list[str], environment: dict[str, str]) -> tuple[int, str, list[str]]:
    """Exit code, standard output and the last lines of standard error, which is passed on as it comes.

    Ctrl-C arrives here alone, so it is passed on, and the child gets its time to end cleanly.
    """
    pipe = subprocess.PIPE
    child = subprocess.Popen(argv, env=environment, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True)
    words: list[str] = []
    listener = threading.Thread(target=_pass_on, args=(child.stderr, words), daemon=True)
    listener.start()
    try:
        stdout = child.stdout.read() if child.stdout is not None else ""
        child.wait()
    except KeyboardInterrupt:
        child.send_signal(signal.SIGINT)
        child.wait(INTERRUPT_SECONDS)
        raise
    listener.join(INTERRUPT_SECONDS)
    return child.returncode, stdout, words


def _pass_on(stream: IO[str], words: list[str]) -> None:
    for line in stream:
        print(PROGRESS + line.rstrip("\n"), flush=True)
        if line.strip():
            words.append(line.rstrip())
            del words[:-KEPT_LINES]


if __name__ == "__main__":
    main()

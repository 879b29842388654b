"""Calls of `deployer image` from bentoctl's process, and the result file that tells deployer what came of them.

Lines that begin with PROGRESS are for the user; all else that is printed is for the log.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from pathlib import Path
from typing import IO, Any, NoReturn

from bentoctl.exceptions import BentoctlDockerException

PROGRESS = "[image] "
KEPT_LINES = 8
INTERRUPT_SECONDS = 20
DIGEST_CHARACTERS = 12
TAG_CHARACTERS = 128 - 1 - DIGEST_CHARACTERS  # a tag has 128 at most


class ImageCalls:
    """The job's image command, and its result file."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.job = job
        self._result: dict[str, Any] = {}

    @property
    def secrets(self) -> list[str]:
        """Names of the variables that the function gets its secrets in, for the import check; no reference."""
        return sorted(json.loads(self.job["values"]["environment"].get("DEPLOYER_SECRETS", "{}")))

    def run(self, verb: str, *arguments: str) -> None:
        """Run `deployer image VERB`; its JSON answer, or its last words, go to the result file."""
        returncode, stdout, words = _run([*self.job["image_command"], verb, *arguments], _environment(self.job))
        if returncode == 0:
            try:
                return self.keep(verb, json.loads(stdout))
            except ValueError:
                returncode, words = 1, [f"its answer is not JSON: {stdout[:200]!r}"]
        self.keep("failure", {"step": f"image {verb}", "words": words})
        raise BentoctlDockerException(f"`deployer image {verb}` ended with exit code {returncode}")

    def keep(self, name: str, value: dict[str, Any]) -> None:
        self._result[name] = value
        Path(self.job["result"]).write_text(json.dumps(self._result), encoding="utf-8")

    def fail(self, message: str, hint: str, words: list[str] | None = None) -> NoReturn:
        """End bentoctl with an error that deployer shows as it is; `words` are lines that a tool said."""
        self.keep("failure", {"message": message, "hint": hint, "words": words or []})
        raise BentoctlDockerException("see the result file")


def second_tag(repository: str, digest: str) -> str:
    """For an image of the same Bento that is another image: `VERSION-` and the begin of its digest, unique with it."""
    tag = repository.rpartition(":")[2]
    return f"{tag[:TAG_CHARACTERS]}-{digest.partition(':')[2][:DIGEST_CHARACTERS]}"


def say(line: str) -> None:
    print(PROGRESS + line, flush=True)


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
        say(line.rstrip("\n"))
        if line.strip():
            words.append(line.rstrip())
            del words[:-KEPT_LINES]

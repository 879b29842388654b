"""What a terraform command that failed means to the user: one DeployerError, in terraform's own words."""

from __future__ import annotations

import re
from pathlib import Path

from deployer.errors import DeployerError
from deployer.tools import terraform_events as stream
from deployer.tools.process import Completed

# AWS's codes for credentials that were good and are no longer, as the provider and the S3 backend pass them on.
_EXPIRED = re.compile(r"\b(ExpiredToken(Exception)?|RequestExpired|TokenRefreshRequired)\b")
_NOT_ACCEPTED = re.compile(r"\b(InvalidClientTokenId|UnrecognizedClientException|InvalidAccessKeyId)\b")


def failure(command: str, done: Completed, *, hint: str, log: Path | None, log_in: str = "") -> DeployerError:
    """terraform's diagnostics, or the last lines it wrote. `log_in`: a sentence, how to get new credentials."""
    problems = [str(problem) for problem in stream.errors(stream.events_of(done.stdout))]
    said = "; ".join(problems) or _last_words(done)
    return DeployerError(f"terraform {command} failed. {said}", hint=_hint(said, hint, log_in), log=log)


def is_about_the_folder(done: Completed) -> bool:
    """An error that points at no line of the template and at no resource: about `init`, the backend or the lock."""
    problems = stream.errors(stream.events_of(done.stdout))
    return any(not problem.place and not problem.address for problem in problems)


def _hint(said: str, hint: str, log_in: str) -> str:
    if _EXPIRED.search(said):
        what = "The AWS credentials have expired."
    elif _NOT_ACCEPTED.search(said):
        what = "AWS does not know these credentials, or not any more."
    else:
        return hint
    return f"{what} {log_in or 'Log in again.'} Then `deployer up` continues where this run stopped. {hint}"


def _last_words(done: Completed) -> str:
    lines = [line.strip("│╷╵ ") for line in (done.stderr or done.stdout).splitlines()]
    return " ".join([line for line in lines if line][-12:]) or f"It ended with exit code {done.returncode}."

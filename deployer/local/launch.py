"""From an image and a function's settings to the process that runs it: argv, environment and folder. Nothing is run.

The process sees no variable of the host. Paths in the image's own variables lead to the unpacked tree; the function's
variables arrive unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deployer.local.functions import FunctionVersion
from deployer.local.image_files import UnpackedImage
from deployer.local.interpreters import Interpreter
from deployer.local.invocation import CannotRun
from deployer.local.isolation import Isolation

PYTHON = re.compile(r"python[0-9.]*")
TMP = "/tmp"  # noqa: S108  Lambda's one writable folder
DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True)
class Runtime:
    """Where a process finds the Runtime API, its log stream and the local AWS; `tmp` is its /tmp without a sandbox."""

    api: str
    log_stream: str
    aws: Mapping[str, str]
    tmp: Path


@dataclass(frozen=True)
class Launch:
    """A process to be started."""

    argv: tuple[str, ...]
    variables: Mapping[str, str]
    directory: Path


def prepare(
    version: FunctionVersion, image: UnpackedImage, *, python: Interpreter, runtime: Runtime, isolation: Isolation
) -> Launch:
    """Raises CannotRun when the image's entry point is no Python of the host and is not in the image."""
    overrides = version.overrides
    entrypoint = overrides.entrypoint or image.entrypoint
    command = overrides.command or image.command
    directory = _inside(image.root, overrides.working_directory or image.working_directory)
    argv = [*_entry(entrypoint, image.root, python), *command]
    visible = (python.prefix, python.executable.parent, image.root)
    return Launch(
        argv=tuple(
            isolation.argv(argv, directory=directory, megabytes=version.ephemeral_storage, visible=visible),
        ),
        variables=_variables(version, image, command, runtime, isolation),
        directory=Path("/") if isolation.full else directory,
    )


def _entry(entrypoint: Sequence[str], root: Path, python: Interpreter) -> list[str]:
    if not entrypoint:
        raise CannotRun("The image names no entry point.")
    program, *arguments = entrypoint
    if PYTHON.fullmatch(Path(program).name):
        return [str(python.executable), "-S", "-s", *arguments]  # -S: the host's site-packages stay out
    inside = root / program.lstrip("/")
    if not program.startswith("/") or not inside.is_file():
        raise CannotRun(f"The image's entry point {program} is neither Python nor a program of the image.")
    return [str(inside), *arguments]


def _inside(root: Path, directory: str) -> Path:
    folder = root / directory.lstrip("/")
    return folder if folder.is_dir() else root


def _variables(
    version: FunctionVersion, image: UnpackedImage, command: Sequence[str], runtime: Runtime, isolation: Isolation
) -> dict[str, str]:
    tmp = Path(TMP) if isolation.full else runtime.tmp
    without_sandbox = {} if isolation.full else {"TMPDIR": str(tmp), "PYTHONDONTWRITEBYTECODE": "1"}
    return {
        "PATH": DEFAULT_PATH,
        **{name: _rebased(value, image.root, tmp) for name, value in image.variables.items()},
        **without_sandbox,
        **version.variables,
        **runtime.aws,
        **_reserved(version, command, runtime),
    }


def _reserved(version: FunctionVersion, command: Sequence[str], runtime: Runtime) -> dict[str, str]:
    """The variables that Lambda sets itself and a function cannot override."""
    region = version.function.region
    return {
        "_HANDLER": command[0] if command else "",
        "AWS_DEFAULT_REGION": region,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(version.memory_size),
        "AWS_LAMBDA_FUNCTION_NAME": version.function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": version.version,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": version.function.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": runtime.log_stream,
        "AWS_LAMBDA_RUNTIME_API": runtime.api,
        "AWS_REGION": region,
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "LAMBDA_TASK_ROOT": "/var/task",
        "TZ": ":UTC",
    }


def _rebased(value: str, root: Path, tmp: Path) -> str:
    """Each part of a `:` list that is an absolute path of the image, moved to where the image is unpacked."""
    return ":".join(_moved(part, root, tmp) for part in value.split(":"))


def _moved(part: str, root: Path, tmp: Path) -> str:
    if part == TMP or part.startswith(f"{TMP}/"):
        return f"{tmp}{part.removeprefix(TMP)}"
    inside = root / part.lstrip("/")
    return str(inside) if part.startswith("/") and part.strip("/") and inside.exists() else part

"""From an image and a function's settings to the process that runs it: argv, environment and folder. Nothing is run.

The process sees no variable of the host. Paths in the image's own variables lead to the unpacked tree; the function's
variables arrive unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deployer.image.inside import Inside
from deployer.image.rebased import DEFAULT_PATH, TMP, Launch, is_python, rebased, site_packages, working_directory
from deployer.local.functions import FunctionVersion
from deployer.local.image_files import UnpackedImage
from deployer.local.invocation import CannotRun
from deployer.tools.oci_layout import MACHINES
from deployer.tools.python_interpreter import Interpreter
from deployer.tools.sandbox import Isolation

# Lambda's credentials are temporary ones. The local AWS asks for no token; what a function signs has one as there.
SESSION_TOKEN = "of-the-local-aws"  # noqa: S105


@dataclass(frozen=True)
class Runtime:
    """Where a process finds the Runtime API, its log stream and the local AWS; `tmp` is its /tmp without a sandbox."""

    api: str
    log_stream: str
    aws: Mapping[str, str]
    tmp: Path


def prepare(
    version: FunctionVersion, image: UnpackedImage, *, python: Interpreter, runtime: Runtime, isolation: Isolation
) -> Launch:
    """Raises CannotRun when the image's entry point is no Python of the host and is not in the image."""
    overrides = version.overrides
    entrypoint = overrides.entrypoint or image.entrypoint
    command = overrides.command or image.command
    directory = working_directory(image.root, overrides.working_directory or image.working_directory)
    argv = [*_entry(entrypoint, image.root, python), *command]
    visible = (python.prefix, python.executable.parent, image.root)
    return Launch(
        argv=tuple(
            isolation.argv(argv, directory=directory, megabytes=version.ephemeral_storage, visible=visible),
        ),
        variables=_variables(version, image, entrypoint, command, runtime=runtime, isolation=isolation),
        directory=Path("/") if isolation.full else directory,
    )


def require_machine(image: UnpackedImage, *, machine: str) -> None:
    """Raises CannotRun for an image of another kind of processor; `machine` is as the kernel says it: `x86_64`."""
    wanted = MACHINES.get(image.architecture, image.architecture)
    if wanted and wanted != machine:
        raise CannotRun(
            f"The image is for {wanted}, and this machine is {machine}: it cannot be run here. "
            f"Build it for {machine} to try it on the local target, or deploy it with --target aws."
        )


def _entry(entrypoint: Sequence[str], root: Path, python: Interpreter) -> list[str]:
    if not entrypoint:
        raise CannotRun("The image names no entry point.")
    program, *arguments = entrypoint
    if is_python(program):
        return [str(python.executable), "-S", "-s", *arguments]  # -S: the host's site-packages stay out
    inside = Inside(root).real(program) if program.startswith("/") else None
    if inside is None or not inside.is_file():
        raise CannotRun(f"The image's entry point {program} is neither Python nor a program of the image.")
    return [str(inside), *arguments]


def _variables(
    version: FunctionVersion,
    image: UnpackedImage,
    entrypoint: Sequence[str],
    command: Sequence[str],
    *,
    runtime: Runtime,
    isolation: Isolation,
) -> dict[str, str]:
    tmp = Path(TMP) if isolation.full else runtime.tmp
    without_sandbox = {} if isolation.full else {"TMPDIR": str(tmp), "PYTHONDONTWRITEBYTECODE": "1"}
    return {
        "PATH": DEFAULT_PATH,
        **_of_image(image, entrypoint, tmp),
        **without_sandbox,
        **version.variables,
        **runtime.aws,
        **_reserved(version, command, runtime),
    }


def _of_image(image: UnpackedImage, entrypoint: Sequence[str], tmp: Path) -> dict[str, str]:
    """Its own variables, and the packages that its Python would find by itself."""
    variables = rebased(image.variables, root=image.root, tmp=tmp)
    path = image.variables.get("PATH", DEFAULT_PATH)
    program = entrypoint[0]
    found = site_packages(image.root, program=program, path=path, python=image.python) if is_python(program) else ()
    if found:
        variables["PYTHONPATH"] = ":".join(filter(None, [variables.get("PYTHONPATH", ""), *map(str, found)]))
    return variables


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
        "AWS_SESSION_TOKEN": SESSION_TOKEN,
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "LAMBDA_TASK_ROOT": "/var/task",
        "TZ": ":UTC",
    }

"""What an image's service is imported on: its base image's own system, or this machine's Python of the same version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployer.image.import_check.failure import Ground
from deployer.image.rebased import DEFAULT_PATH, TMP, Launch, is_python, rebased, working_directory
from deployer.tools.oci_layout import Layout, variables_of
from deployer.tools.process import Runner
from deployer.tools.python_interpreter import Interpreter, describe, find_python
from deployer.tools.sandbox import Isolation, probe

MODULE = "deployer_runtime.import_check"
MEGABYTES = 512  # Lambda's /tmp unless a function asks for more
# What Lambda sets for every function; libraries read it at import.
OF_LAMBDA = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
    "AWS_LAMBDA_FUNCTION_NAME": "import-check",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_REGION": "us-east-1",
    "LAMBDA_RUNTIME_DIR": "/var/runtime",
    "LAMBDA_TASK_ROOT": "/var/task",
    "TZ": ":UTC",
}


class NotPossible(Exception):
    """This machine cannot try this image."""


@dataclass(frozen=True)
class Setting:
    """Where one image's import happens. `python` is None where the image's own is used; `remark` is for people."""

    isolation: Isolation
    python: Interpreter | None
    ground: Ground
    remark: str = ""

    @property
    def identity(self) -> list[str]:
        """All that may change the outcome beside the image."""
        build = [self.python.build, str(self.python.executable)] if self.python else ["of the image"]
        return ["1", self.isolation.mode, *build]

    def launch(
        self, root: Path, config: Mapping[str, Any], *, tmp: Path, seconds: float, more: Mapping[str, str]
    ) -> Launch:
        """`root` is the unpacked image; `tmp` is /tmp where there is no sandbox; `more` are variables besides."""
        command = ["-m", MODULE, str(seconds)]
        variables = {"PATH": DEFAULT_PATH, **variables_of(config)}
        place = str(config.get("WorkingDir") or "/")
        if self.python is None:
            argv = self.isolation.argv(
                [_program(config), *command], directory=Path(place), megabytes=MEGABYTES, system=root
            )
            return Launch(tuple(argv), {**variables, **more, **OF_LAMBDA}, Path("/"))
        directory = working_directory(root, place)
        argv = self.isolation.argv(
            [str(self.python.executable), "-S", "-s", *command],  # -S: the host's site-packages stay out
            directory=directory,
            megabytes=MEGABYTES,
            visible=(self.python.prefix, self.python.executable.parent, root),
        )
        return Launch(
            tuple(argv),
            {**self._moved(variables, root, tmp), **more, **OF_LAMBDA},
            Path("/") if self.isolation.full else directory,
        )

    def _moved(self, variables: Mapping[str, str], root: Path, tmp: Path) -> dict[str, str]:
        if self.isolation.full:
            return rebased(variables, root=root, tmp=Path(TMP))
        return {**rebased(variables, root=root, tmp=tmp), "TMPDIR": str(tmp), "PYTHONDONTWRITEBYTECODE": "1"}


@dataclass(frozen=True)
class Grounds:
    """Finds where an image's import can happen. `folder` is the check's own."""

    runner: Runner
    variables: Mapping[str, str]
    folder: Path

    def find(self, image: Layout, config: Mapping[str, Any]) -> Setting:
        """Raises NotPossible."""
        isolation = probe(self.folder / "sandbox", runner=self.runner, network=False)
        minor = str((config.get("Labels") or {}).get("deployer.python", ""))
        bento = variables_of(config).get("BENTO_PATH", "")
        based = _has_base(image)
        if based and isolation.full:
            return Setting(isolation, None, Ground(minor, bento, system=image.base or "of the image"))
        remark = "" if isolation.full else f"without a sandbox, for {isolation.reason}"
        if based:
            remark += "; on this machine's system, not on the base image's"
        ground = Ground(minor, bento, faithful=not based, alone=isolation.full)
        return Setting(isolation, self._python(minor), ground, remark)

    def _python(self, minor: str) -> Interpreter:
        if not minor:
            raise NotPossible("the image does not say which Python it is for")
        path = find_python(minor, runner=self.runner, variables=self.variables)
        if path is None:
            raise NotPossible(f"no Python {minor} on this machine")
        return describe(path, runner=self.runner)


def _has_base(image: Layout) -> bool:
    """A foreign image, built with Docker for example, has a system of its own too."""
    return bool(image.base) or any(
        layer.of_base or layer.title.startswith(("base image", "layer ")) for layer in image.blobs[:-1]
    )


def _program(config: Mapping[str, Any]) -> str:
    """The image's own interpreter, as its entry point names it."""
    program = next(iter(config.get("Entrypoint") or ()), "")
    return str(program) if is_python(program) else "python3"

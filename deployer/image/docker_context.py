"""The staged Bento arranged for a build with Docker: each layer's files apart, readable for Lambda's user."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

from deployer.image.python_layers import HANDLER_LOCK, PACKAGE
from deployer.image.requirements import Requirements

SERVICE, MODELS, REQUIREMENTS, HANDLER = "service", "models", "requirements", "deployer-handler"
DOCKERFILE = Path("env/docker/Dockerfile")
SCRIPTS = Path("env/docker")


def arrange(context: Path) -> list[str]:
    """Move all but the models into `service/`; the models' names. `context` is a copy that nobody else uses."""
    service = context / SERVICE
    moved = context.with_name(f"{context.name}.{SERVICE}")
    context.rename(moved)
    context.mkdir()
    moved.rename(service)
    if (service / MODELS).is_dir():
        (service / MODELS).rename(context / MODELS)
    (context / DOCKERFILE).parent.mkdir(parents=True, exist_ok=True)
    (service / SCRIPTS).mkdir(parents=True, exist_ok=True)  # a mount of what is not there fails
    make_readable(context)
    for script in (service / SCRIPTS).glob("*"):
        if script.is_file() and script.read_bytes()[:2] == b"#!":
            script.chmod(0o755)
    models = context / MODELS
    return sorted(path.name for path in models.iterdir() if path.is_dir()) if models.is_dir() else []


def write_requirements(context: Path, wanted: Requirements) -> None:
    folder = context / REQUIREMENTS
    folder.mkdir(exist_ok=True)
    (folder / "requirements.txt").write_text("".join(f"{line}\n" for line in wanted.lines), "utf-8")
    (folder / "constraints.txt").write_text("".join(f"{line}\n" for line in wanted.constraints), "utf-8")
    make_readable(folder)


def write_handler(context: Path) -> None:
    folder = context / HANDLER
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(PACKAGE / "runtime", folder / "deployer_runtime", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(HANDLER_LOCK, folder / "runtime.txt")
    make_readable(folder)


def make_readable(folder: Path) -> None:
    """Folders 0755, files readable by all. A file that is also somebody else's (a hard link) is copied before."""
    folder.chmod(0o755)
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        if stat.S_ISDIR(status.st_mode):
            path.chmod(0o755)
        elif stat.S_ISREG(status.st_mode) and status.st_mode & 0o444 != 0o444:
            if status.st_nlink > 1:
                _unlink_from_others(path)
            path.chmod(0o755 if status.st_mode & 0o100 else 0o644)


def _unlink_from_others(path: Path) -> None:
    copy = path.with_name(f".{path.name}.{os.getpid()}")
    shutil.copy2(path, copy)
    copy.replace(path)

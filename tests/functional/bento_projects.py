"""From a project folder to what an image holds, with BentoML's own commands and this environment's packages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path

import uv

REPOSITORY = Path(__file__).parents[2]


def run(argv: Sequence[str], *, store: Path, cwd: Path) -> str:
    """The standard output of a command that must succeed, run on `store`."""
    done = subprocess.run(argv, env=variables(store), cwd=cwd, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{argv}: {done.stdout}\n{done.stderr}"
    return done.stdout


def variables(store: Path) -> dict[str, str]:
    return {**os.environ, "BENTOML_HOME": str(store), "BENTOML_DO_NOT_TRACK": "True"}


def build(project: Path, *, store: Path) -> Path:
    """`bentoml build` of a project: the Bento's folder in the store."""
    run([sys.executable, "-m", "bentoml", "build"], store=store, cwd=project)
    return max(store.glob("bentos/*/*/bento.yaml"), key=lambda file: file.stat().st_mtime).parent


def lay_out(bento: Path, *, store: Path, folder: Path) -> Path:
    """The Bento as an image holds it, with its models inside."""
    shutil.copytree(bento, folder)
    (store / "models").mkdir(exist_ok=True)
    shutil.copytree(store / "models", folder / "models", dirs_exist_ok=True)
    return folder


def install_handler(folder: Path) -> Path:
    """`/opt/deployer` of an image: our runtime and the locked packages that it needs."""
    lock = REPOSITORY / "deployer/locks/runtime.txt"
    install = ["pip", "install", "--quiet", "--target", str(folder), "--require-hashes", "-r", str(lock)]
    run([uv.find_uv_bin(), *install, "--python", sys.executable], store=folder, cwd=folder.parent)
    shutil.copytree(REPOSITORY / "deployer/runtime", folder / "deployer_runtime")
    return folder


def image_variables(bento: Path, *, handler: Path, temporary: Path) -> Mapping[str, str]:
    """The environment that an image sets, with this environment's packages for its dependencies."""
    return {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "PYTHONPATH": f"{sysconfig.get_path('purelib')}:{handler}",
        "BENTO_PATH": str(bento),
        "HOME": str(temporary),
        "BENTOML_HOME": str(temporary / "bentoml"),
        "BENTOML_DO_NOT_TRACK": "True",
    }


HANDLER = (sys.executable, "-m", "awslambdaric", "deployer_runtime.handler.handle")

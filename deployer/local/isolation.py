"""How far a function's process is kept from this machine: fully, through user namespaces, or not at all.

Asked once when the daemon starts. Nothing here needs root; `sandbox.sh` does the work with util-linux's tools.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deployer.errors import DeployerError
from deployer.tools.process import Runner

SCRIPT = Path(__file__).with_name("sandbox.sh")
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/nix/store", "/run/systemd/resolve")
SEARCH_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
TOOLS = ("setpriv", "unshare", "mount", "pivot_root")
NAMESPACES = ("--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child")


@dataclass(frozen=True)
class Isolation:
    """`full`: read-only file system, private /tmp, no /dev/shm. `none`: a plain process, and `reason` says why."""

    mode: str
    reason: str = ""
    folder: Path = Path("/nonexistent")

    @property
    def full(self) -> bool:
        return self.mode == "full"

    def argv(self, command: Sequence[str], *, directory: Path, megabytes: int, visible: Sequence[Path]) -> list[str]:
        """The command line that runs `command` in `directory`; `visible` folders are there beside the system's."""
        if not self.full:
            return [*_dies_with_its_parent(), *command]
        shown = [*SYSTEM, *(str(path) for path in visible if not _in_system(path))]
        script = ["sh", str(SCRIPT), str(self.folder), str(megabytes), *shown, "--", str(directory), *command]
        return [*_dies_with_its_parent(), _tool("unshare"), *NAMESPACES, "--", *script]


def probe(folder: Path, *, runner: Runner) -> Isolation:
    """Run a program in a sandbox once. `folder` is made if need be; it stays empty outside the sandboxes."""
    missing = [tool for tool in TOOLS if shutil.which(tool, path=SEARCH_PATH) is None]
    if missing:
        return Isolation("none", f"{', '.join(missing)} of util-linux not found")
    folder.mkdir(parents=True, exist_ok=True)
    isolation = Isolation("full", folder=folder)
    argv = isolation.argv(["/bin/sh", "-c", "exit 0"], directory=Path("/tmp"), megabytes=1, visible=())  # noqa: S108
    try:
        completed = runner.run(argv, env={"PATH": SEARCH_PATH}, cwd=Path("/"), timeout=10)
    except DeployerError as error:
        return Isolation("none", error.message)
    if completed.returncode != 0:
        said = (completed.stderr.strip().splitlines() or [f"exit code {completed.returncode}"])[0]
        return Isolation("none", f"user namespaces are not allowed here: {said}")
    return isolation


def _dies_with_its_parent() -> list[str]:
    """The kernel ends the process when the daemon's thread that started it is gone, however the daemon died."""
    setpriv = shutil.which("setpriv", path=SEARCH_PATH)
    return [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []


def _tool(name: str) -> str:
    return shutil.which(name, path=SEARCH_PATH) or name


def _in_system(path: Path) -> bool:
    return any(path == Path(system) or Path(system) in path.parents for system in SYSTEM)

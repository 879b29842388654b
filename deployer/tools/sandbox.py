"""How far a process of an image is kept from this machine: fully, through user namespaces, or not at all.

Asked once per daemon or command. Nothing here needs root; `sandbox.sh` does the work with util-linux's tools.
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
    """`full`: read-only file system, private /tmp, no /dev/shm. `none`: a plain process, and `reason` says why.

    Without `network` there is nothing but the loopback interface.
    """

    mode: str
    reason: str = ""
    folder: Path = Path("/nonexistent")
    network: bool = True

    @property
    def full(self) -> bool:
        return self.mode == "full"

    def argv(
        self,
        command: Sequence[str],
        *,
        directory: Path,
        megabytes: int,
        visible: Sequence[Path] = (),
        system: Path | None = None,
    ) -> list[str]:
        """The command line that runs `command` in `directory`, with a /tmp of so many megabytes.

        `visible` folders are there beside this machine's system folders, or beside the contents of `system`: a folder
        that holds another system, whose own programs and libraries are then the only ones.
        """
        if not self.full:
            return [*_dies_with_its_parent(), *command]
        shown = [f"/={system}"] if system else list(SYSTEM)
        shown += [str(path) for path in visible if system or not _in_system(path)]
        script = ["sh", str(SCRIPT), str(self.folder), str(megabytes), *shown, "--", str(directory), *command]
        namespaces = NAMESPACES if self.network else (*NAMESPACES, "--net")
        return [*_dies_with_its_parent(), _tool("unshare"), *namespaces, "--", *script]


def probe(folder: Path, *, runner: Runner, network: bool = True) -> Isolation:
    """Run a program in a sandbox once. `folder` is made if need be; it stays empty outside the sandboxes."""
    missing = [tool for tool in TOOLS if shutil.which(tool, path=SEARCH_PATH) is None]
    if missing:
        return Isolation("none", f"{', '.join(missing)} of util-linux not found")
    folder.mkdir(parents=True, exist_ok=True)
    isolation = Isolation("full", folder=folder, network=network)
    argv = isolation.argv(["/bin/sh", "-c", "exit 0"], directory=Path("/tmp"), megabytes=1)  # noqa: S108
    try:
        completed = runner.run(argv, env={"PATH": SEARCH_PATH}, cwd=Path("/"), timeout=10)
    except DeployerError as error:
        return Isolation("none", error.message)
    if completed.returncode != 0:
        said = (completed.stderr.strip().splitlines() or [f"exit code {completed.returncode}"])[0]
        return Isolation("none", f"user namespaces are not allowed here: {said}")
    return isolation


def _dies_with_its_parent() -> list[str]:
    """The kernel ends the process when the thread that started it is gone, however that thread's process died."""
    setpriv = shutil.which("setpriv", path=SEARCH_PATH)
    return [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []


def _tool(name: str) -> str:
    return shutil.which(name, path=SEARCH_PATH) or name


def _in_system(path: Path) -> bool:
    return any(path == Path(system) or Path(system) in path.parents for system in SYSTEM)

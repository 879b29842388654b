"""The Docker sides of benchmarks/image.py: buildx and push by the real Engine, with one of the two Dockerfiles."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from benchmarks import memory
from benchmarks.registry_process import Registry
from deployer.image.package_index import pip_settings
from deployer.tools.python_interpreter import find_uv

FOLDER = Path(__file__).parent
RUNTIME = FOLDER.parent / "deployer" / "runtime"
LOCK = FOLDER.parent / "deployer" / "locks" / "runtime.txt"
DOCKERFILES = {"upstream": FOLDER / "image" / "upstream.Dockerfile", "good": FOLDER / "image" / "good.Dockerfile"}
OWN_RECORD = "/var/cache/deployer-bench-"  # a cache mount's target: BuildKit describes a record by its command
INDEX = re.compile(
    r"(PIP|UV)_(DEFAULT_INDEX|INDEX|INDEX_URL|EXTRA_INDEX_URL|TRUSTED_HOST|INSECURE_HOST|DEFAULT_TIMEOUT)"
)


class Engine:
    """The Docker client. `variables` name the Engine: DOCKER_HOST, else that of scripts/engine."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = {**variables, "BUILDX_NO_DEFAULT_ATTESTATIONS": "1", "DOCKER_CLI_HINTS": "false"}

    def run(self, *arguments: str) -> str:
        ended = subprocess.run(["docker", *arguments], env=self._variables, capture_output=True, text=True, check=False)
        if ended.returncode != 0:
            raise RuntimeError(f"docker {' '.join(arguments)}: {ended.stderr[-3000:]}")
        return ended.stdout.strip()

    def log(self, container: str) -> str:
        """What it wrote to both of its streams."""
        argv = ["docker", "logs", container]
        return subprocess.run(
            argv, env=self._variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        ).stdout

    def version(self) -> str:
        buildx = re.search(r"v?(\d+\.\d+\.\d+)", self.run("buildx", "version"))
        return f"{self.run('version', '--format', '{{.Server.Version}}')}, buildx {buildx[1] if buildx else '?'}"

    def size(self, image: str) -> int:
        """Bytes of all files of all layers, as `docker image ls` shows them."""
        return int(self.run("image", "inspect", "--format", "{{.Size}}", image))

    def daemon(self) -> int | None:
        host = self._variables.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
        return memory.server_behind(Path(host.removeprefix("unix://"))) if host.startswith("unix://") else None

    def remove(self, reference_prefix: str) -> None:
        """Our images, by the address of a registry that nobody else had."""
        listed = self.run("image", "ls", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}", "--no-trunc").splitlines()
        for line in listed:
            if line.startswith(reference_prefix):
                reference, number = line.split()
                with suppress(RuntimeError):  # a tag that went to a newer image left one without a name
                    self.run("image", "rm", "--force", number if reference.endswith(">") else reference)

    def prune_own_cache(self) -> None:
        """Our cache mounts, and what our RUN lines with one made: nearly all of it. Records of other builds stay."""
        described = self.run("buildx", "du", "--verbose").split("\n\n")
        for record in described:
            found = re.search(r"^ID:\s*(\S+)", record, re.MULTILINE)
            if found and OWN_RECORD in record:
                with suppress(RuntimeError):  # another build holds it
                    self.run("builder", "prune", "--force", "--filter", f"id={found[1].rstrip('*')}")


def find_engine(variables: Mapping[str, str]) -> tuple[Engine | None, str]:
    """The Engine, or why there is none."""
    if shutil.which("docker") is None:
        return None, "there is no docker program"
    folder = Path(variables.get("DEPLOYER_ENGINE") or "/var/lib/deployer-engine")
    own = {"DOCKER_HOST": f"unix://{folder}/docker.sock", "DOCKER_CONFIG": f"{folder}/config"}
    use_own = "DOCKER_HOST" not in variables and (folder / "docker.sock").exists()
    engine = Engine({**variables, **(own if use_own else {})})
    try:
        engine.version()
    except RuntimeError:
        return None, "no Docker Engine with buildx answers"
    return engine, ""


class WithDocker:
    """One Dockerfile: its own copy of the Bento, its own repository. A first build finds no cached RUN."""

    def __init__(
        self, name: str, scratch: Path, registry: Registry, staged: Path, *, engine: Engine, base: str
    ) -> None:
        self.name = name
        self.context = scratch / name
        self._registry, self._engine, self._base = registry, engine, base
        self._secret = scratch / f"{name}.index"
        self._daemon = engine.daemon()
        self._tag = self._token = ""
        _make_context(self.context, staged, DOCKERFILES[name])
        self._secret.write_text(_index_settings(), "utf-8")

    def begin(self, number: int) -> None:
        self._tag = f"{self._registry.address}/{self.name}:r{number}"

    def warm(self) -> None:
        """Downloaded wheels into BuildKit cache mounts; what else this makes is not used again."""
        self.begin(0)
        self._build(fresh=True, target="downloads" if self.name == "upstream" else "")

    def build(self, *, first: bool) -> None:
        self._build(fresh=first)

    def _build(self, *, fresh: bool, target: str = "") -> None:
        if fresh:
            self._token = uuid.uuid4().hex
        options = ["--load", "--progress", "plain", "--build-arg", f"BASE={self._base}", "--tag", self._tag]
        options += ["--build-arg", f"ROUND={self._token}", *(["--target", target] if target else [])]
        options += ["--secret", f"id=index,src={self._secret}", "--file", str(self.context / "Dockerfile")]
        self._engine.run("buildx", "build", *options, str(self.context))

    def push(self) -> None:
        self._engine.run("push", "--quiet", self._tag)

    def changed(self, step: str) -> int | None:
        return None

    def reset_peak(self) -> None:
        if self._daemon is not None and not memory.reset_peak(self._daemon):
            self._daemon = None

    def peak_mb(self) -> float | None:
        """Of Docker's daemon; what runs inside RUN is apart on this side too."""
        return None if self._daemon is None else memory.peak_mb(self._daemon)

    def reference(self) -> str:
        return self._tag


def _make_context(context: Path, staged: Path, dockerfile: Path) -> None:
    """The Bento as both Dockerfiles take it: beside it the handler, uv, and requirements that name no index."""
    shutil.copytree(staged, context)
    requirements = context / "env" / "python" / "requirements.txt"
    lines = requirements.read_text("utf-8").splitlines()
    requirements.write_text("\n".join(line for line in lines if not line.startswith("--index-url")) + "\n", "utf-8")
    shutil.copytree(RUNTIME, context / "handler" / "deployer_runtime", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(LOCK, context / "handler" / "requirements.txt")
    shutil.copy(dockerfile, context / "Dockerfile")
    if dockerfile == DOCKERFILES["good"]:
        (context / "tools").mkdir()
        shutil.copy(find_uv(), context / "tools" / "uv")
    for path in (context, *context.rglob("*")):  # BentoML's folders are 0700, which Lambda's user could not read
        path.chmod(0o755 if path.is_dir() or path.name == "uv" else 0o644)


def _index_settings() -> str:
    """The user's package index for the build, as a secret: shell assignments. Folders of this machine are not there."""
    found = {**os.environ, **pip_settings(os.environ)}
    kept = {name: value for name, value in found.items() if INDEX.fullmatch(name) and "file:" not in value}
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in sorted(kept.items()))

"""The sides as containers of a real Engine: AWS's emulator, one CPU, and no more than Lambda leaves a function.

The clients speak to each container's own address on the Engine's bridge, so the Engine has to be on this machine.
"""

from __future__ import annotations

import platform
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks import registry_process
from benchmarks.image_docker import Engine, find_engine
from benchmarks.image_oci import NAME, push
from benchmarks.runtime_http import Client
from benchmarks.runtime_measure import Opening, Running
from benchmarks.runtime_memory import family, memory_of
from benchmarks.runtime_process import HEADERS, asking
from benchmarks.runtime_sides import MEMORY, SAMPLES, SERVE, Image, check_event_answer, event, make_image

INVOKE = "/2015-03-31/functions/function/invocations"
LIMITS = ("--read-only", "--tmpfs", "/tmp", "--user", "993:990", "--ipc", "none")  # noqa: S108
SIZE = ("--cpus", "1", "--memory", f"{MEMORY}m")
HANDLERS = "/opt/handlers"
INIT = re.compile(r"INIT REPORT\(durationMs: ([0-9.]+)")
FIRST = re.compile(r"INVOKE RTDONE\(.*duration: ([0-9.]+)ms")
PORTS = {True: 3000, False: 8080}  # of `bentoml serve`, of the emulator


class DockerMode:
    """`reference` is the image in the Engine, of the same layers as `image`."""

    name = "docker"

    def __init__(self, engine: Engine, emulator: Path, image: Image, reference: str) -> None:
        self._engine, self._emulator, self._image, self._reference = engine, emulator, image, reference
        self.version = engine.version()

    @contextmanager
    def running(self, side: str, *, clients: int) -> Iterator[Running]:
        with ExitStack() as ends:
            count = 1 if side == SERVE else clients
            containers = [ends.enter_context(self._container(side)) for _ in range(count)]
            began, roots, asks = 0.0, [], []
            for name in containers:
                began = began or time.perf_counter()
                self._engine.run("start", name)
                address, root = self._inspect(name)
                roots.append(root)
                asks += [self._client(side, name, address, ends) for _ in range(clients // count)]
            log = containers[0]
            yield Running(
                asks,
                began,
                lambda: opening(self._engine.log(log)),
                lambda: memory_of(self._processes(side, roots)),
            )

    def _client(self, side: str, name: str, address: str, ends: ExitStack) -> Callable[[], float]:
        def alive() -> bool:
            return self._engine.run("inspect", "--format", "{{.State.Running}}", name) == "true"

        def client(path: str, body: bytes, headers: Mapping[str, str]) -> Client:
            made = Client(address, PORTS[side == SERVE], path=path, body=body, headers=headers, alive=alive)
            ends.callback(made.close)
            return made

        if side == SERVE:
            return asking(client("/predict", SAMPLES, HEADERS))
        emulator = client(INVOKE, event(), {})

        def ask() -> float:
            _, answer, seconds = emulator.post()
            check_event_answer(side, answer)
            return seconds

        return ask

    @contextmanager
    def _container(self, side: str) -> Iterator[str]:
        """Created and not started; gone afterwards."""
        command = self._server() if side == SERVE else self._function(side)
        name = self._engine.run("create", *LIMITS, *SIZE, *command)
        try:
            yield name
        except RuntimeError as error:
            raise RuntimeError(f"{side}: {error}\n{self._engine.log(name)[-3000:]}") from error
        finally:
            self._engine.run("rm", "--force", "--volumes", name)

    def _server(self) -> tuple[str, ...]:
        listen = ("--host", "0.0.0.0", "--port", str(PORTS[True]))  # noqa: S104  inside the container
        bento = self._image.variables["BENTO_PATH"]
        return ("--entrypoint", "python3", self._reference, "-m", "bentoml", "serve", bento, *listen)

    def _function(self, side: str) -> tuple[str, ...]:
        path = f"PYTHONPATH={self._image.variables['PYTHONPATH']}:{HANDLERS}"
        folders = (f"{self._emulator}:/aws-lambda-rie:ro", f"{self._image.handlers}:{HANDLERS}:ro")
        mounts = [option for folder in folders for option in ("--volume", folder)]
        program = ("--entrypoint", "/aws-lambda-rie", self._reference, *self._image.config["Entrypoint"])
        return (*mounts, "--env", path, *program, self._image.handler(side))

    def _inspect(self, name: str) -> tuple[str, int]:
        """Its address, and its first process as this machine numbers it."""
        wanted = "{{.NetworkSettings.IPAddress}} {{.State.Pid}}"
        address, pid = self._engine.run("inspect", "--format", wanted, name).split()
        return address, int(pid)

    @staticmethod
    def _processes(side: str, roots: list[int]) -> list[int]:
        """The emulator is the first process of a function's container, and not the function's."""
        return [pid for root in roots for pid in family(root)[0 if side == SERVE else 1 :]]


@contextmanager
def docker_mode(
    variables: Mapping[str, str], image: Image, *, context: Path, scratch: Path, base: str
) -> Iterator[tuple[DockerMode | None, str]]:
    """The place, or why there is none. The Engine has the image meanwhile."""
    engine, reason = find_engine(variables)
    emulator = _emulator(variables)
    if engine is not None and not emulator.is_file():
        engine, reason = None, "AWS's emulator is not in the Engine's folder: scripts/engine install"
    if engine is not None and shutil.which(registry_process.PROGRAM) is None:
        engine, reason = None, f"{registry_process.PROGRAM} is not on PATH"
    if engine is None:
        yield None, reason
        return
    with registry_process.running(scratch / "registry") as registry:
        try:
            reference = f"{registry.address}/base:1"
            engine.run("tag", base, reference)
            engine.run("push", "--quiet", reference)
            made = make_image(context, scratch, base=reference)
            push(registry, made.folder, tag="runtime")
            ours = f"{registry.address}/{NAME}:runtime"
            engine.run("pull", "--quiet", ours)
            yield DockerMode(engine, emulator, image, ours), ""
        finally:
            engine.remove(registry.address)


def opening(log: str) -> Opening | None:
    """As the emulator has timed it, which begins the init when the first event comes."""
    init, first = INIT.search(log), FIRST.search(log)
    return Opening(float(init[1]) / 1e3, float(first[1]) / 1e3) if init and first else None


def _emulator(variables: Mapping[str, str]) -> Path:
    folder = Path(variables.get("DEPLOYER_ENGINE") or "/var/lib/deployer-engine")
    machine = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return folder / "emulator" / f"aws-lambda-rie-{machine}"

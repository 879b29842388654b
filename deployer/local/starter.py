"""Starts execution environments: the image's files, the host's interpreter, the sandbox and the process together."""

from __future__ import annotations

import platform
import shutil
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

from deployer.errors import DeployerError
from deployer.local.address import LOOPBACK
from deployer.local.chunked import ChunkedHandler
from deployer.local.execution_environment import ExecutionEnvironment
from deployer.local.function_logs import FunctionLogs, Stream, new_stream
from deployer.local.function_process import Process
from deployer.local.functions import FunctionVersion
from deployer.local.image_files import ImageFiles, UnpackedImage
from deployer.local.interpreters import Interpreters
from deployer.local.invocation import CannotRun
from deployer.local.launch import Runtime, prepare, require_machine
from deployer.local.runtime_api import RuntimeApi
from deployer.local.runtime_process import RuntimeProcess, Spawner
from deployer.local.server import Listener
from deployer.tools.python_interpreter import Interpreter
from deployer.tools.sandbox import Isolation


class EnvironmentStarter:
    """`aws` are the variables that lead a function to the local AWS; `scratch` holds /tmp of what has no sandbox."""

    def __init__(
        self,
        *,
        images: ImageFiles,
        interpreters: Interpreters,
        isolation: Isolation,
        spawner: Spawner,
        logs: FunctionLogs,
        aws: Mapping[str, str],
        scratch: Path,
    ) -> None:
        self._images, self._interpreters, self._isolation = images, interpreters, isolation
        self._spawner, self._logs = spawner, logs
        self._aws, self._scratch = aws, scratch

    def __call__(self, version: FunctionVersion) -> ExecutionEnvironment:
        """Raises CannotRun, with what to do, when the image cannot be run on this machine. The log says it too."""
        try:
            return self._started(version)
        except CannotRun as error:
            self._logs.write(new_stream(version.function, version.version, uuid.uuid4().hex), f"deployer: {error}")
            raise

    def _started(self, version: FunctionVersion) -> ExecutionEnvironment:
        image, python = self._found(version)
        environment = ExecutionEnvironment(version, logs=self._logs)
        api = Listener(RuntimeApi(environment).answer, handler=ChunkedHandler)

        def start(stream: Stream, line: Callable[[str], None], exited: Callable[[], None]) -> Process:
            tmp = self._scratch / environment.id
            tmp.mkdir(parents=True)

            def gone() -> None:
                api.close()
                shutil.rmtree(tmp, ignore_errors=True)
                exited()

            runtime = Runtime(api=f"{LOOPBACK}:{api.port}", log_stream=stream.name, aws=self._aws, tmp=tmp)
            launch = prepare(version, image, python=python, runtime=runtime, isolation=self._isolation)
            return RuntimeProcess(launch, spawner=self._spawner, on_line=line, on_exit=gone)

        try:
            environment.start(start, unread=lambda: api.busy)
        except (OSError, CannotRun) as error:
            api.close()
            raise CannotRun(f"{version.function.name} could not be started: {error}") from error
        return environment

    def _found(self, version: FunctionVersion) -> tuple[UnpackedImage, Interpreter]:
        try:
            image = self._images.unpack(version.digest)
            require_machine(image, machine=platform.machine())
            return image, self._interpreters.find(image.python)
        except LookupError as error:
            raise CannotRun(f"{version.function.name}: {error.args[0]}.") from error
        except DeployerError as error:
            raise CannotRun(f"{error.message} {error.hint}".strip()) from error

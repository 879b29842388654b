"""Lambda's data plane: which execution environment takes an invocation, and how many there may be."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from typing import Protocol

from deployer.local.control_plane import ControlPlane
from deployer.local.execution_environment import ExecutionEnvironment, Gone
from deployer.local.functions import FunctionName, FunctionVersion
from deployer.local.invocation import Answer, Invocation, Throttled

ENVIRONMENTS = 10  # per version, where the function reserves no concurrency of its own
IDLE_SECONDS = 300.0
WATCH_SECONDS = 0.1

Key = tuple[FunctionName, str]


class Starter(Protocol):
    """Makes an execution environment and starts its process. May raise CannotRun."""

    def __call__(self, version: FunctionVersion) -> ExecutionEnvironment: ...


class DataPlane:
    """Safe for many threads. Environments take one invocation at a time, are reused, and end when idle for long."""

    def __init__(self, control_plane: ControlPlane, *, starter: Starter) -> None:
        self._control_plane = control_plane
        self._starter = starter
        self._lock = threading.Lock()
        self._idle: dict[Key, list[ExecutionEnvironment]] = defaultdict(list)
        self._busy: dict[Key, int] = defaultdict(int)
        self._environments: list[ExecutionEnvironment] = []
        self._closing = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="watcher", daemon=True)
        self._watcher.start()

    def invoke(self, version: FunctionVersion, invocation: Invocation, *, want_log: bool = False) -> Answer:
        """Run an invocation to its end. Raises Throttled or CannotRun; the function's own errors are in the answer."""
        self._enter(version)
        try:
            while True:
                environment = self._take(version)
                try:
                    return environment.invoke(invocation, want_log=want_log)
                except Gone:
                    continue
                finally:
                    self._give_back(environment)
        finally:
            self._leave(version)

    def environments(self) -> tuple[ExecutionEnvironment, ...]:
        with self._lock:
            return tuple(self._environments)

    def end_function(self, function: FunctionName, version: str = "") -> None:
        """The function, or this version of it, is deleted: end its environments."""
        of_it = [env for env in self.environments() if env.version.function == function]
        self._end([env for env in of_it if version in ("", env.version.version)])

    def close(self) -> None:
        """End every environment and return when all are gone."""
        self._closing.set()
        self._end(list(self.environments()))

    def _enter(self, version: FunctionVersion) -> None:
        limit = ENVIRONMENTS if version.concurrency is None else version.concurrency
        with self._lock:
            if self._busy[_key(version)] >= limit:
                raise Throttled
            self._busy[_key(version)] += 1

    def _leave(self, version: FunctionVersion) -> None:
        with self._lock:
            self._busy[_key(version)] -= 1

    def _take(self, version: FunctionVersion) -> ExecutionEnvironment:
        """An idle environment of exactly these settings, else a new one."""
        with self._lock:
            idle = self._idle.pop(_key(version), [])
            fit = [env for env in idle if env.version == version and env.usable]
            unfit = [env for env in idle if env not in fit]
            taken = fit.pop() if fit else None
            self._idle[_key(version)] = fit
        self._end(unfit)
        return taken or self._new(version)

    def _new(self, version: FunctionVersion) -> ExecutionEnvironment:
        environment = self._starter(version)
        with self._lock:
            self._environments.append(environment)
        return environment

    def _give_back(self, environment: ExecutionEnvironment) -> None:
        with self._lock:
            keep = environment.usable and not self._closing.is_set()
            if keep:
                self._idle[_key(environment.version)].append(environment)
        if not keep:
            self._end([environment])

    def _end(self, environments: list[ExecutionEnvironment]) -> None:
        for environment in environments:
            environment.end()
        with self._lock:
            for environment in environments:
                for known in (self._environments, self._idle.get(_key(environment.version), [])):
                    if environment in known:
                        known.remove(environment)

    def _watch(self) -> None:
        """Memory many times a second, where there is something to watch; long idle environments now and then."""
        while not self._closing.wait(WATCH_SECONDS):
            self._end(self._long_idle())
            for environment in self.environments():
                environment.watch_memory()

    def _long_idle(self) -> list[ExecutionEnvironment]:
        oldest = time.monotonic() - IDLE_SECONDS
        with self._lock:
            return [env for idle in self._idle.values() for env in idle if env.last_used < oldest]


def _key(version: FunctionVersion) -> Key:
    return version.function, version.version

"""What an execution environment needs of the process in it. `runtime_process.RuntimeProcess` is the real one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from deployer.local.function_logs import Stream


class Process(Protocol):
    """Memory in MB; `ending` says in Lambda's words how it ended."""

    peak_megabytes: int

    @property
    def alive(self) -> bool: ...

    @property
    def ending(self) -> str: ...

    def sample(self, *, afresh: bool = False) -> int: ...

    def drain(self) -> None: ...

    def kill(self) -> None: ...


StartProcess = Callable[[Stream, Callable[[str], None], Callable[[], None]], Process]


class NotStarted:
    """Stands in until there is one."""

    peak_megabytes = 0
    alive = True
    ending = "not started"

    def sample(self, *, afresh: bool = False) -> int:
        return 0

    def drain(self) -> None: ...

    def kill(self) -> None: ...

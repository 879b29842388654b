"""A process door that runs nothing: it keeps what it was asked for and gives prepared answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deployer.tools.process import Completed, OnLine


@dataclass(frozen=True)
class Asked:
    """One command as it was handed to the door."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    timeout: float
    log: Path | None


@dataclass
class StandInRunner:
    """Gives `answers` in order as (exit code, standard output); when they are used up, success and no output."""

    answers: Iterable[tuple[int, str]] = ()
    asked: list[Asked] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._waiting = iter(self.answers)

    def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        timeout: float,
        stdin: bytes = b"",
        log: Path | None = None,
        on_line: OnLine | None = None,
    ) -> Completed:
        self.asked.append(Asked(tuple(argv), env, cwd, timeout, log))
        returncode, stdout = next(self._waiting, (0, ""))
        for line in stdout.splitlines():
            if on_line is not None:
                on_line(line)
        return Completed(tuple(argv), returncode, stdout, "")

    @property
    def commands(self) -> list[tuple[str, ...]]:
        """The argument lists without the program."""
        return [asked.argv[1:] for asked in self.asked]

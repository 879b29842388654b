"""A process door that runs nothing: it keeps what it was asked for and answers as it was told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
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


Answer = tuple[int, str] | tuple[int, str, str]  # exit code, standard output, standard error
Program = Callable[[Asked], Answer]


@dataclass
class StandInRunner:
    """Gives `answers` in order; when they are used up, what `program` makes of the command: success and no output."""

    answers: Iterable[Answer] = ()
    program: Program = lambda asked: (0, "")
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
        asked = Asked(tuple(argv), env, cwd, timeout, log)
        self.asked.append(asked)
        returncode, stdout, *stderr = next(self._waiting, None) or self.program(asked)
        for line in stdout.splitlines():
            if on_line is not None:
                on_line(line)
        return Completed(asked.argv, returncode, stdout, "".join(stderr))

    @property
    def commands(self) -> list[tuple[str, ...]]:
        """The argument lists without the program."""
        return [asked.argv[1:] for asked in self.asked]

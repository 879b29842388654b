"""What `docker buildx build --progress plain` says on standard error: all of it to the log, steps to the user."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Callable
from types import TracebackType

STEP = re.compile(r"#\d+ \[(?:[^\]\s]+ +)?(?P<number>\d+/\d+)\] (?P<instruction>.*)")
FAILED = re.compile(r" > \[(?:[^\]\s]+ +)?(?P<number>\d+/\d+)\] (?P<instruction>.*?):?")
NAMED = re.compile(r'"deployer: (?P<title>[^"]+)"\]')
MODEL = re.compile(r"COPY models/(?P<name>\S+) ")
KEPT_LINES = 2000
SHOWN_LINES = 12
JOIN_SECONDS = 20


class BuildxOutput:
    """While it is entered, this process's standard error is read: its children write there too."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.lines: list[str] = []
        self._say, self._seen = say, set[str]()

    def __enter__(self) -> BuildxOutput:
        sys.stderr.flush()
        self._kept = os.dup(2)
        read, write = os.pipe()
        os.dup2(write, 2)
        os.close(write)
        self._listener = threading.Thread(target=self._listen, args=(read,), daemon=True)
        self._listener.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        sys.stderr.flush()
        os.dup2(self._kept, 2)
        self._listener.join(JOIN_SECONDS)

    @property
    def failed_step(self) -> str:
        """`[4/9] dependencies`; empty when no step had begun."""
        found = [match for match in map(FAILED.fullmatch, self.lines) if match]
        return _spelled(found[-1]) if found else ""

    @property
    def failure(self) -> list[str]:
        """The last lines that the failing step said; buildx repeats them between two rules. Else buildx's own error."""
        starts = [number for number, line in enumerate(self.lines) if FAILED.fullmatch(line)]
        if starts:
            said = self.lines[starts[-1] + 1 :]
            end = said.index("------") if "------" in said else len(said)
            shown = [re.sub(r"^(?:#\d+ )?\d+\.\d+ ", "", line) for line in said[:end] if line.strip()]
            if shown:
                return shown[-SHOWN_LINES:]
        return [line[:400] for line in self.lines if line.startswith(("ERROR", "error"))][-2:] or self.lines[-2:]

    def _listen(self, read: int) -> None:
        with os.fdopen(read, encoding="utf-8", errors="replace") as stream:
            for text in stream:
                os.write(self._kept, text.encode())
                line = text.rstrip("\r\n")
                self.lines.append(line)
                del self.lines[:-KEPT_LINES]
                self._tell(line)

    def _tell(self, line: str) -> None:
        found = STEP.fullmatch(line)
        if found and (step := _spelled(found)) not in self._seen:
            self._seen.add(step)
            self._say(step)


def _spelled(found: re.Match[str]) -> str:
    return f"[{found['number']}] {title_of(found['instruction'])}"


def title_of(instruction: str) -> str:
    """The layer's title where it is one of ours, else the instruction's beginning."""
    if named := NAMED.search(instruction):
        return named["title"]
    if model := MODEL.match(instruction):
        return f"model {model['name']}"
    return instruction if len(instruction) <= 60 else f"{instruction[:59]}…"

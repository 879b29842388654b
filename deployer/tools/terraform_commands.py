"""python-terraform with its own way of running commands replaced: it makes the argument lists, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import python_terraform

from deployer.tools.process import Completed, OnLine


@dataclass(frozen=True)
class Call:
    """How one command is run: in which folder, for how many seconds, with which variables beside the usual ones."""

    seconds: float
    cwd: Path
    log: Path | None = None
    on_line: OnLine | None = None
    variables: Mapping[str, str] = field(default_factory=dict)


class Commands(python_terraform.Terraform):  # type: ignore[misc]
    """python-terraform with its own way of running commands replaced.

    Callers pass `var=None`: the library would turn its default, an empty mapping, into a temporary variables file.
    """

    def __init__(self, binary: Path, run: Callable[[Sequence[str], Call], Completed]) -> None:
        self._run = run
        super().__init__(terraform_bin_path=str(binary), is_env_vars_included=False)

    def cmd(self, cmd: str, *args: str, call: Call, **options: Any) -> Completed:
        return self._run(self.generate_cmd_string(cmd, *args, **options), call)

    def read_state_file(self, file_path: str | None = None) -> None:
        """Not here: the library reads the state's file itself, terraform's own format, and fails on a damaged one."""

    def __getattr__(self, item: str) -> Any:
        raise AttributeError(item)  # the library would run any misspelt name as a command

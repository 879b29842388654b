"""The commands of one working folder, each with the arguments that are right for it.

python-terraform makes the argument lists; its own way of running commands is replaced by the process door.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import python_terraform
from python_terraform import IsFlagged, IsNotFlagged

from deployer.tools.process import Completed, OnLine, Runner
from deployer.tools.terraform_binary import child_variables
from deployer.tools.terraform_folder import TerraformFolder

_INIT_SECONDS = 900.0  # a provider of 150 MB (compressed) may have to be downloaded
_PLAN_SECONDS = 600.0
_APPLY_SECONDS = 3600.0
_READ_SECONDS = 120.0


@dataclass(frozen=True)
class Call:
    """How one command is run: in which folder, for how many seconds, with which variables beside the usual ones.

    `verifies`: terraform is to hold the providers against the hashes of its lock file.
    """

    seconds: float
    cwd: Path
    log: Path | None = None
    on_line: OnLine | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    verifies: bool = False


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


class FolderCommands:
    """terraform in one folder. None of these judges how a command ended."""

    def __init__(
        self, folder: TerraformFolder, binary: Path, *, variables: Mapping[str, str], runner: Runner, log: Path
    ) -> None:
        self._folder, self._binary, self._runner, self._log = folder, binary, runner, log
        self._variables = child_variables(variables)
        self._commands = Commands(binary, self._run)

    def at(self, folder: Path) -> FolderCommands:
        """The same terraform in another folder."""
        return FolderCommands(
            TerraformFolder(folder), self._binary, variables=self._variables, runner=self._runner, log=self._log
        )

    def init(
        self, mirror: Path | None, *, upgrade: bool = False, reconfigure: bool = False, move: bool = False
    ) -> Completed:
        """`mirror` is the only source of providers where there is one.

        `reconfigure` believes the backend that is written in the folder and forgets the one before; `move` takes the
        state from the one to the other, over what may be there.
        """
        done: Completed = self._commands.init(
            input=False,
            var=None,
            reconfigure=_flag(reconfigure),
            migrate_state=_flag(move),
            force_copy=_flag(move),
            upgrade=_flag(upgrade),
            plugin_dir=str(mirror.absolute()) if mirror is not None else None,
            call=Call(_INIT_SECONDS, self._folder.path, log=self._log, verifies=True),
        )
        return done

    def plan(self, path: Path, *, destroy: bool, refresh: bool, variables: Mapping[str, str]) -> Completed:
        """Save a plan in the folder; standard output is JSON, a line for each event."""
        path.unlink(missing_ok=True)
        done: Completed = self._commands.plan(
            detailed_exitcode=IsNotFlagged,
            json=IsFlagged,
            var=None,
            refresh=refresh,
            destroy=_flag(destroy),
            out=path.name,
            call=Call(_PLAN_SECONDS, self._folder.path, log=self._log, variables=variables),
        )
        return done

    def apply(self, plan: Path, *, on_line: OnLine) -> Completed:
        call = Call(_APPLY_SECONDS, self._folder.path, log=self._log, on_line=on_line)
        done: Completed = self._commands.apply(plan.name, skip_plan=True, json=IsFlagged, var=None, call=call)
        return done

    def other(
        self, words: str, *arguments: str, cwd: Path | None = None, as_json: bool = False, state: str | None = None
    ) -> Completed:
        """Any other command, in the folder or in another; not logged, since what it prints may be secret."""
        call = Call(_READ_SECONDS, cwd or self._folder.path)
        return self._commands.cmd(words, *arguments, no_color=IsFlagged, json=_flag(as_json), state=state, call=call)

    def _run(self, argv: Sequence[str], call: Call) -> Completed:
        """With the full lock file wherever terraform is to verify the providers, and where they have changed."""
        providers, is_here = self._folder.providers, call.cwd == self._folder.path
        if is_here:
            providers.restore_lock()  # of a run that was killed
        trusted = is_here and not call.verifies and self._folder.has_verified_providers()
        with providers.unhashed() if trusted else nullcontext():
            return self._runner.run(
                argv,
                env={**self._variables, **call.variables},
                cwd=call.cwd,
                timeout=call.seconds,
                log=call.log,
                on_line=call.on_line,
            )


def _flag(value: bool) -> Any:
    return IsFlagged if value else IsNotFlagged

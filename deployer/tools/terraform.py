"""The door to terraform: python-terraform makes the argument lists, the commands run through the process door. What
terraform means is read from its JSON output, never from its prose.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from python_terraform import IsFlagged, IsNotFlagged

from deployer.errors import DeployerError
from deployer.models import Outputs, Plan
from deployer.tools import terraform_events as stream
from deployer.tools.process import Completed, Runner
from deployer.tools.provider_mirror import WAYS_TO_A_PROVIDER
from deployer.tools.terraform_binary import child_variables, find_terraform
from deployer.tools.terraform_commands import Call, Commands
from deployer.tools.terraform_folder import TerraformFolder

__all__ = ["Terraform", "find_terraform"]

OUTPUTS = ("endpoint", "function_name", "image_tag", "version")

_INIT_SECONDS = 900.0  # a provider of 150 MB (compressed) may have to be downloaded
_PLAN_SECONDS = 600.0
_APPLY_SECONDS = 3600.0
_READ_SECONDS = 120.0
_DATA_ADDRESS = re.compile(r"(module\.[^.\[]+(\[[^\]]*\])?\.)*data\.")


class Terraform:
    """One working folder: its `.tf` files, its variables file and its state.

    `variables` is what terraform may see of the environment; `provider_mirror` the folder that providers are taken
    from, None to leave that to terraform. Every method raises DeployerError in terraform's own words.
    """

    def __init__(
        self,
        *,
        folder: Path,
        binary: Path,
        variables: Mapping[str, str],
        runner: Runner,
        log: Path,
        provider_mirror: Path | None,
    ) -> None:
        self._folder = TerraformFolder(folder)
        self._variables = child_variables(variables)
        self._runner = runner
        self._log = log
        self._mirror = provider_mirror
        self._commands = Commands(binary, self._run)
        self._settings = f"{binary} {provider_mirror}"

    def init(self) -> None:
        """Install the providers; does nothing where that was done for the same template, mirror and terraform."""
        if self._folder.is_initialised(self._settings):
            return
        self._folder.unmark_initialised()
        done = self._init(upgrade=False)
        if done.returncode != 0 and self._mirror is not None and self._folder.provider_lock.exists():
            done = self._init(upgrade=True)  # the mirror no longer has the version that was locked
        if done.returncode != 0:
            raise self._error("init", done, hint=self._ways_to_initialise())
        self._folder.mark_initialised(self._settings)

    def plan(
        self,
        *,
        destroy: bool = False,
        refresh: bool = True,
        imports: Mapping[str, str] | None = None,
        image_exists: bool = True,
    ) -> Plan:
        """Save a plan in the folder. Output changes are named only where no resource changes.

        `imports` are import ids by address: what exists and the state does not know is taken over, not made again.
        Leave `refresh` on for `destroy` too: resources that AWS has forgotten are then dropped from the state, while
        deleting them would fail (an alias whose function is gone). The template gets `destroying = true`, with which
        it looks up nothing that may be gone. Without `image_exists` it gets `planning = true`: such a plan is to be
        shown, not applied.
        """
        path = self._folder.path / ("destroy.tfplan" if destroy else "apply.tfplan")
        extra = {"TF_VAR_destroying": "true"} if destroy else {}
        extra |= {} if image_exists else {"TF_VAR_planning": "true"}
        with self._folder.importing(imports or {}):
            done = self._plan(path, destroy=destroy, refresh=refresh, variables=extra)
            if done.returncode != 0 and self._may_need_init(done):
                self._folder.unmark_initialised()
                self.init()
                done = self._plan(path, destroy=destroy, refresh=refresh, variables=extra)
        if done.returncode != 0:
            raise self._error("plan", done, hint=self._nothing_changed())
        events = stream.events_of(done.stdout)
        return Plan(path, stream.changes(events) or (() if destroy else stream.output_changes(events)))

    def apply(self, plan: Plan, *, on_event: Callable[[str], None] | None = None) -> None:
        """Apply exactly the saved plan. `on_event` gets lines such as `creating aws_lambda_function.this`."""

        def tell(line: str) -> None:
            event = stream.parse(line)
            if event is not None and on_event is not None and (said := stream.progress(event)) is not None:
                on_event(said)

        call = Call(_APPLY_SECONDS, self._folder.path, log=self._log, on_line=tell)
        with self._folder.applying():
            try:
                done = self._commands.apply(plan.path.name, skip_plan=True, json=IsFlagged, var=None, call=call)
            finally:
                plan.path.unlink(missing_ok=True)  # it cannot be applied again, and holds every variable in clear
            if done.returncode != 0:
                raise self._error("apply", done, hint=self._what_exists())

    def output(self) -> Outputs:
        """What the last apply made. Raises DeployerError when one of the four outputs is not there."""
        read = self._read_state("output", json=IsFlagged)
        raw = {name: entry["value"] for name, entry in json.loads(read or "{}").items()}
        missing = [name for name in OUTPUTS if raw.get(name) is None]
        if missing:
            raise DeployerError(
                f"terraform has no output named {', '.join(missing)} in {self._folder.path}.",
                hint=f"The template must declare the outputs {', '.join(OUTPUTS)}; then run `deployer up` again.",
                log=self._log,
            )
        return Outputs(
            endpoint=_base_url(raw["endpoint"]),
            candidate_endpoint=_base_url(raw.get("candidate_endpoint") or ""),
            function_name=str(raw["function_name"]),
            image_tag=str(raw["image_tag"]),
            version=str(raw["version"]),
            raw=raw,
        )

    def resources(self) -> tuple[str, ...]:
        """Addresses of the resources in the state, data lookups left out; empty where there is no state."""
        addresses = self._read_state("state list").splitlines()
        return tuple(address for address in addresses if address and not _DATA_ADDRESS.match(address))

    def command(self, words: str, *arguments: str, hint: str) -> str:
        """What another command prints, such as `state rm` of an address; not logged, since it may hold secrets."""
        done = self._commands.cmd(words, *arguments, no_color=IsFlagged, call=Call(_READ_SECONDS, self._folder.path))
        if done.returncode != 0:
            raise self._error(words, done, hint=hint)
        return str(done.stdout)

    def _init(self, *, upgrade: bool) -> Completed:
        done: Completed = self._commands.init(
            input=False,
            var=None,
            reconfigure=IsNotFlagged,  # it would forget where the state is
            upgrade=IsFlagged if upgrade else IsNotFlagged,
            plugin_dir=str(self._mirror.absolute()) if self._mirror is not None else None,
            call=Call(_INIT_SECONDS, self._folder.path, log=self._log),
        )
        return done

    def _plan(self, path: Path, *, destroy: bool, refresh: bool, variables: Mapping[str, str]) -> Completed:
        path.unlink(missing_ok=True)
        done: Completed = self._commands.plan(
            detailed_exitcode=IsNotFlagged,
            json=IsFlagged,
            var=None,
            refresh=refresh,
            destroy=IsFlagged if destroy else IsNotFlagged,
            out=path.name,
            call=Call(_PLAN_SECONDS, self._folder.path, log=self._log, variables=variables),
        )
        return done

    def _read_state(self, command: str, **options: Any) -> str:
        """What a reading command prints; empty where there is no state.

        A state on this disk is read from an empty folder: in its own, terraform first hashes the provider (2 s).
        """
        if self._folder.state_is_elsewhere:
            return self._read(command, self._folder.path, **options)
        self._folder.mend_state()
        if not self._folder.state.exists():
            return ""
        with tempfile.TemporaryDirectory(prefix="deployer-") as empty:
            return self._read(command, Path(empty), state=str(self._folder.state.absolute()), **options)

    def _read(self, command: str, cwd: Path, **options: Any) -> str:
        """No log: what is read may hold secrets."""
        done = self._commands.cmd(command, no_color=IsFlagged, call=Call(_READ_SECONDS, cwd), **options)
        if done.returncode != 0:
            way_out = f"Delete {self._folder.state} and run `deployer up`: it takes over what is there."
            raise self._error(command, done, hint=way_out)
        return str(done.stdout)

    def _run(self, argv: Sequence[str], call: Call) -> Completed:
        return self._runner.run(
            argv,
            env={**self._variables, **call.variables},
            cwd=call.cwd,
            timeout=call.seconds,
            log=call.log,
            on_line=call.on_line,
        )

    def _may_need_init(self, done: Completed) -> bool:
        """An error that points at no line of the template and at no resource is about the folder itself."""
        problems = stream.errors(stream.events_of(done.stdout))
        unplaced = any(not problem.place and not problem.address for problem in problems)
        return unplaced and not self._folder.lock_holder()

    def _nothing_changed(self) -> str:
        holder = self._folder.lock_holder()
        return f"The state is locked by {holder}: wait until that has ended." if holder else "Nothing was changed."

    def _what_exists(self) -> str:
        resources = self.resources()
        if not resources:
            return "Nothing that terraform knows of exists now. `deployer up` begins anew."
        there = ", ".join(resources)
        return f"These exist now: {there}. `deployer up` continues from here, `deployer down` removes them."

    def _ways_to_initialise(self) -> str:
        source = f"the folder {self._mirror} alone" if self._mirror is not None else "wherever it finds them"
        return f"Where a provider is missing: terraform was to take providers from {source}. {WAYS_TO_A_PROVIDER}"

    def _error(self, command: str, done: Completed, *, hint: str) -> DeployerError:
        """terraform's own diagnostics; where it gave none, the last lines it wrote."""
        problems = [str(problem) for problem in stream.errors(stream.events_of(done.stdout))]
        said = "; ".join(problems) or _last_words(done)
        return DeployerError(f"terraform {command} failed. {said}", hint=hint, log=self._log)


def _base_url(said: object) -> str:
    """With one slash at its end; empty for an endpoint that is not there (yet)."""
    return f"{str(said).rstrip('/')}/" if said else ""


def _last_words(done: Completed) -> str:
    lines = [line.strip("│╷╵ ") for line in (done.stderr or done.stdout).splitlines()]
    return " ".join([line for line in lines if line][-12:]) or f"It ended with exit code {done.returncode}."

"""The door to terraform: what terraform means is read from its JSON output, never from its prose."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from deployer import directories
from deployer.errors import DeployerError
from deployer.models import Outputs, Plan
from deployer.tools import terraform_events as stream
from deployer.tools.process import Completed, Runner
from deployer.tools.provider_mirror import WAYS_TO_A_PROVIDER
from deployer.tools.state_lock import StateLock
from deployer.tools.terraform_backend import LOCAL, StatePlace
from deployer.tools.terraform_binary import find_terraform
from deployer.tools.terraform_commands import FolderCommands
from deployer.tools.terraform_failures import failure, is_about_the_folder
from deployer.tools.terraform_folder import TerraformFolder
from deployer.tools.terraform_move import move
from deployer.tools.terraform_outputs import outputs_of
from deployer.tools.terraform_schema import kept_names
from deployer.tools.terraform_state import LockOf, TerraformState

__all__ = ["Terraform", "find_terraform"]

_DATA_ADDRESS = re.compile(r"(module\.[^.\[]+(\[[^\]]*\])?\.)*data\.")


class Terraform:
    """One working folder: its `.tf` files, its variables file and its state.

    `variables` is what terraform may see of the environment; `provider_mirror` the folder that providers are taken
    from, None to leave that to terraform. `place` is where the config wants the state, `lock_in_s3` finds a lock there;
    `log_in` says how to get new credentials. Every method raises DeployerError in terraform's own words.
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
        place: StatePlace = LOCAL,
        lock_in_s3: LockOf = lambda place: None,
        log_in: str = "",
        cache: Path | None = None,
    ) -> None:
        self._folder = TerraformFolder(folder)
        self._commands = FolderCommands(self._folder, binary, variables=variables, runner=runner, log=log)
        self._state = TerraformState(self._folder, self._commands, place, variables, lock_in_s3)
        self._log, self._log_in, self._mirror = log, log_in, provider_mirror
        self._settings = f"{binary} {provider_mirror}"
        self._cache = cache

    @property
    def path(self) -> Path:
        """The working folder."""
        return self._folder.path

    def init(self) -> None:
        """Install and verify the providers, unless that was done for the same template, mirror and terraform.

        A provider whose files have changed since is verified again, against the hashes of the lock file.
        """
        reconfigure = self._state.write_backend(self._state.place())
        if self._folder.is_initialised(self._settings):
            return
        self._folder.unmark_initialised()
        done = self._commands.init(self._mirror, reconfigure=reconfigure)
        if done.returncode != 0 and self._mirror is not None and self._folder.providers.lock.exists():
            # the mirror no longer has the version that was locked
            done = self._commands.init(self._mirror, reconfigure=reconfigure, upgrade=True)
        if done.returncode != 0:
            raise self._error("init", done, hint=self._ways_to_initialise(reconfigure))
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
            done = self._commands.plan(path, destroy=destroy, refresh=refresh, variables=extra)
            if done.returncode != 0 and is_about_the_folder(done) and not self._who_has_locked(done):
                self._folder.unmark_initialised()
                self.init()
                done = self._commands.plan(path, destroy=destroy, refresh=refresh, variables=extra)
        if done.returncode != 0:
            raise self._error("plan", done, hint=self._who_has_locked(done) or "Nothing was changed.")
        events = stream.events_of(done.stdout)
        return Plan(path, stream.changes(events) or (() if destroy else stream.output_changes(events)))

    def apply(self, plan: Plan, *, on_event: Callable[[str], None] | None = None) -> None:
        """Apply exactly the saved plan. `on_event` gets lines such as `creating aws_lambda_function.this`."""

        def tell(line: str) -> None:
            event = stream.parse(line)
            if event is not None and on_event is not None and (said := stream.progress(event)) is not None:
                on_event(said)

        with self._folder.applying():
            try:
                done = self._commands.apply(plan.path, on_line=tell)
            finally:
                plan.path.unlink(missing_ok=True)  # it cannot be applied again, and holds every variable in clear
            if done.returncode != 0:
                raise self._error("apply", done, hint=self._who_has_locked(done) or self._what_exists())

    def output(self) -> Outputs:
        """What the last apply made. Raises DeployerError when one of the four outputs is not there."""
        return outputs_of(self._read_state("output", as_json=True), folder=self._folder.path, log=self._log)

    def resources(self) -> tuple[str, ...]:
        """Addresses of the resources in the state, data lookups left out; empty where there is no state."""
        addresses = self._read_state("state list").splitlines()
        return tuple(address for address in addresses if address and not _DATA_ADDRESS.match(address))

    def functions(self) -> tuple[str, ...]:
        """The names of the Lambda functions in the state, with a user's own template any; empty without a state."""
        if self._state.place().is_remote:
            self.init()
        return self._state.functions()

    def command(self, words: str, *arguments: str, hint: str) -> str:
        """What another command prints, such as `state rm` of an address; not logged, since it may hold secrets."""
        done = self._commands.other(words, *arguments)
        if done.returncode != 0:
            raise self._error(words, done, hint=self._who_has_locked(done) or hint)
        return str(done.stdout)

    def supports(self, resource: str, attribute: str) -> bool:
        """Whether the provider in use has an attribute or block of that name for a resource type.

        The template has to be in the folder. Asked once per provider version: 7 s for AWS's.
        """
        self.init()
        lock = self._folder.providers.lock
        names = kept_names(
            self._cache or directories.cache() / "terraform-schemas",
            lock=lock.read_text(encoding="utf-8") if lock.exists() else "",
            ask=lambda: self.command("providers schema -json", hint="Run the command again."),
        )
        return attribute in names.get(resource, ())

    def place(self) -> StatePlace:
        """Where the state is now."""
        return self._state.place()

    def forget_place(self) -> None:
        """The state is another deployment's: it stays where it is, and the folder begins where the config says."""
        self._folder.forget_place()

    def keeps_own_place(self) -> bool:
        """Whether the template says itself where the state is kept."""
        return self._state.is_the_templates

    def move_state(self) -> bool:
        """Bring the state to where the config wants it; False where it is there, or where the template says."""
        if self._state.is_the_templates or self._state.place() == self._state.wanted:
            return False
        self.init()
        moved = move(self._state, self._mirror)
        self._folder.mark_initialised(self._settings)
        return moved

    def lock(self) -> StateLock | None:
        """Who holds the lock of the state; None where nobody does, and for a backend of the template's own."""
        return self._state.lock()

    def unlock(self, identity: str) -> None:
        """Take the lock with that ID away, whoever holds it."""
        done = self._commands.other("force-unlock -force", identity)
        if done.returncode != 0:
            raise self._error("force-unlock", done, hint="Check the ID: `deployer state show` says who holds the lock.")

    def _read_state(self, command: str, *, as_json: bool = False) -> str:
        """A state elsewhere is known only to a folder that is initialised with its place."""
        if self._state.place().is_remote:
            self.init()
        return self._state.read(command, as_json=as_json)

    def _who_has_locked(self, done: Completed) -> str:
        """Who keeps terraform from the state, and how to get out; empty for any other error."""
        holder = None
        with suppress(DeployerError):  # what went wrong first counts
            holder = self.lock() if is_about_the_folder(done) else None
        if holder is None:
            return ""
        return (
            f"The state is locked by {holder}: wait until that has ended. "
            "`deployer force-unlock` takes the lock away when its owner is dead."
        )

    def _what_exists(self) -> str:
        resources = self.resources()
        if not resources:
            return "Nothing that terraform knows of exists now. `deployer up` begins anew."
        there = ", ".join(resources)
        return f"These exist now: {there}. `deployer up` continues from here, `deployer down` removes them."

    def _ways_to_initialise(self, in_s3: bool) -> str:
        source = f"the folder {self._mirror} alone" if self._mirror is not None else "wherever it finds them"
        bucket = "Where the bucket of the state is missing: `deployer state bucket` makes it. " if in_s3 else ""
        return f"{bucket}Where a provider is missing: terraform was to take them from {source}. {WAYS_TO_A_PROVIDER}"

    def _error(self, command: str, done: Completed, *, hint: str) -> DeployerError:
        return failure(command, done, hint=hint, log=self._log, log_in=self._log_in)

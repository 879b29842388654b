"""The state of a working folder: where it is, what it holds, who has locked it. terraform's own commands read it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployer.errors import BadInput
from deployer.tools.state_lock import StateLock, state_lock
from deployer.tools.terraform_backend import (
    FILE,
    LOCAL,
    StatePlace,
    has_backend_block,
    recorded_place,
    write_backend,
)
from deployer.tools.terraform_commands import FolderCommands
from deployer.tools.terraform_failures import failure
from deployer.tools.terraform_folder import TerraformFolder

LockOf = Callable[[StatePlace], "StateLock | None"]


@dataclass(frozen=True)
class TerraformState:
    """`wanted` is where the config wants the state; it counts only where there is no state yet, and for a move.

    `lock_in_s3` finds the lock of a state in S3, of which terraform itself tells in prose alone.
    """

    folder: TerraformFolder
    commands: FolderCommands
    wanted: StatePlace
    variables: Mapping[str, str]
    lock_in_s3: LockOf

    def place(self) -> StatePlace:
        """Where the state is now. A folder that knows of none begins where the config says."""
        known = recorded_place(self.folder.path)
        if known is not None and (known.is_remote or self.is_the_templates):
            return known
        return LOCAL if self.folder.state.exists() or self.is_the_templates else self.wanted

    @property
    def is_the_templates(self) -> bool:
        """Whether the template says where the state is kept: then it is nothing of deployer's."""
        return has_backend_block(self.folder.path)

    def write_backend(self, place: StatePlace) -> bool:
        """Name the place to terraform; whether the next `init` has to believe that file, whatever it noted before."""
        if self.is_the_templates:
            if self.wanted.is_remote:
                raise BadInput(
                    f"The template in {self.folder.path} says where terraform keeps its state, and so does the config.",
                    hint="Leave out one of them: the template's backend block, or the key terraform.backend.",
                )
            (self.folder.path / FILE).unlink(missing_ok=True)
            return False
        write_backend(self.folder.path, place, self.variables)
        if place.is_remote and self.folder.state.exists() and not self.folder.state.stat().st_size:
            self.folder.state.unlink()  # terraform empties the file of a state that it has moved, and leaves it
        return place.kind == "s3"

    def lock(self) -> StateLock | None:
        """The lock that somebody holds; of other backends than S3 it is not known."""
        place = self.place()
        if place.kind == "s3" and not self.is_the_templates:
            return self.lock_in_s3(place)
        found = None if place.is_remote else state_lock(self.folder.state)
        return found if found is not None and found.held else None

    def read(self, command: str, *, as_json: bool = False) -> str:
        """What a reading command says of the state; empty where there is none.

        It reads a file from an empty folder: in its own, terraform first looks at every provider.
        """
        with tempfile.TemporaryDirectory(prefix="deployer-") as empty:
            file = self._pulled(Path(empty)) if self.place().is_remote else self._on_disk()
            if file is None:
                return ""
            return self._say(command, cwd=Path(empty), state=str(file.absolute()), as_json=as_json)

    def functions(self) -> tuple[str, ...]:
        """The names of the Lambda functions that the state holds; none for a file that is damaged."""
        known = self.pull() if self.place().is_remote else _parsed(self._on_disk())
        functions = (
            found for found in known.get("resources", ()) if _kind(found) == ("managed", "aws_lambda_function")
        )
        made = (instance.get("attributes", {}) for found in functions for instance in found.get("instances", ()))
        return tuple(sorted({str(attributes["function_name"]) for attributes in made if "function_name" in attributes}))

    def pull(self) -> dict[str, Any]:
        """The state as terraform gives it out ("state pull"): `lineage` is empty where there is none."""
        pulled: dict[str, Any] = json.loads(self._say("state pull") or '{"lineage": ""}')
        return pulled

    def _pulled(self, into: Path) -> Path | None:
        pulled, file = self.pull(), into / "pulled.tfstate"
        if not pulled["lineage"]:
            return None
        file.write_text(json.dumps(pulled), encoding="utf-8")  # the folder is its owner's alone
        return file

    def _on_disk(self) -> Path | None:
        self.folder.mend_state()
        return self.folder.state if self.folder.state.exists() else None

    def _say(self, command: str, **options: Any) -> str:
        done = self.commands.other(command, **options)
        if done.returncode != 0:
            raise failure(command, done, hint=self._way_out(), log=None)
        return str(done.stdout)

    def _way_out(self) -> str:
        if self.place().is_remote:
            way = "Check that these credentials may read it, then run the command again."
            return f"{way} Where its bucket is gone: `deployer state bucket` makes it anew."
        return f"Delete {self.folder.state} and run `deployer up`: it takes over what is there."


def _parsed(file: Path | None) -> dict[str, Any]:
    """A state's file; what is damaged in it is terraform's to say."""
    try:
        known: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file else {}
    except ValueError:
        return {}
    return known


def _kind(resource: Mapping[str, Any]) -> tuple[object, object]:
    return resource.get("mode"), resource.get("type")

"""The files of a terraform working folder: what terraform keeps there, and deployer's mark that `init` was done."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deployer.files import replace_file
from deployer.tools.state_lock import state_lock
from deployer.tools.terraform_backend import FILE as BACKEND_FILE
from deployer.tools.terraform_backend import recorded_place
from deployer.tools.terraform_providers import Providers


@dataclass(frozen=True)
class TerraformFolder:
    """A folder of `.tf` files. Nothing here runs terraform, and only `mend_state` changes a file of terraform's."""

    path: Path

    @property
    def state(self) -> Path:
        return self.path / "terraform.tfstate"

    @property
    def providers(self) -> Providers:
        return Providers(self.path)

    @property
    def backup(self) -> Path:
        """The state of before the last apply."""
        return self.path / "terraform.tfstate.backup"

    @property
    def state_is_elsewhere(self) -> bool:
        """Whether a backend holds the state: terraform records which one here."""
        place = recorded_place(self.path)
        return place is not None and place.is_remote

    @property
    def is_settled(self) -> bool:
        """Whether there is a state, and every apply that was begun here has ended well."""
        return (self.state.exists() or self.state_is_elsewhere) and not self._unfinished.exists()

    @contextmanager
    def applying(self) -> Iterator[None]:
        """While the block runs the folder is not settled; nor is it afterwards, unless the block ends well."""
        self._unfinished.parent.mkdir(exist_ok=True)
        self._unfinished.touch()
        yield
        self._unfinished.unlink(missing_ok=True)

    def mend_state(self) -> None:
        """Put the state of before a killed apply in the place of one that it left empty.

        terraform empties the file and writes it anew. Killed in between it leaves nothing there, and the state as it
        was before that apply in the backup; a first apply leaves no backup, and an empty file is then no state at all.
        """
        if not self.state.exists() or self.state.stat().st_size > 0:
            return
        lock, backup = state_lock(self.state), self.backup
        if lock is not None and lock.held:
            return
        if backup.exists() and backup.stat().st_size > 0:
            replace_file(self.state, backup.read_text(encoding="utf-8"), private=True, durable=True)
        else:
            self.state.unlink()

    def is_initialised(self, settings: str) -> bool:
        """Whether `init` was done with the same settings for the files, and the providers, that are here now."""
        self.providers.restore_lock()
        return self._noted("fingerprint") == self._fingerprint(settings) and self.has_verified_providers()

    def has_verified_providers(self) -> bool:
        """Whether the providers are, file by file, those that the last `init` verified."""
        return self._noted("providers") == self.providers.seen()

    def mark_initialised(self, settings: str) -> None:
        """After an `init` that went well: it has verified the providers that are here now."""
        self._mark.parent.mkdir(exist_ok=True)  # terraform makes none where there is nothing to install
        noted = {"fingerprint": self._fingerprint(settings), "providers": self.providers.seen()}
        replace_file(self._mark, json.dumps(noted))

    def unmark_initialised(self) -> None:
        self._mark.unlink(missing_ok=True)

    def forget_place(self) -> None:
        """Forget which backend holds the state: the next `init` begins where the backend's file says."""
        (self.path / ".terraform" / "terraform.tfstate").unlink(missing_ok=True)
        self.unmark_initialised()

    @contextmanager
    def importing(self, ids: Mapping[str, str]) -> Iterator[None]:
        """While the block runs, a plan made here imports these: import ids by resource address."""
        file = self.path / "deployer-imports.tf.json"
        blocks = [{"to": address, "id": identity} for address, identity in sorted(ids.items())]
        if blocks:
            file.write_text(json.dumps({"import": blocks}, indent=2), encoding="utf-8")
        try:
            yield
        finally:
            file.unlink(missing_ok=True)

    def lock_holder(self) -> str:
        """Who holds the lock of the state on this disk; empty when nobody does, and for a state that is elsewhere."""
        lock = state_lock(self.state)
        return str(lock) if lock is not None and lock.held else ""

    @property
    def _mark(self) -> Path:
        return self.path / ".terraform" / "deployer-init"

    @property
    def _unfinished(self) -> Path:
        return self.path / ".terraform" / "deployer-apply"

    def _noted(self, what: str) -> object:
        """What the mark says; None where there is no mark, or one of another deployer."""
        try:
            return json.loads(self._mark.read_text(encoding="utf-8"))[what]
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _fingerprint(self, settings: str) -> str:
        digest = hashlib.sha256(settings.encode())
        for file in sorted(
            file for kind in ("*.tf", BACKEND_FILE, self.providers.lock.name) for file in self.path.glob(kind)
        ):
            digest.update(f"\0{file.name}\0".encode() + file.read_bytes())
        return digest.hexdigest()

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


@dataclass(frozen=True)
class TerraformFolder:
    """A folder of `.tf` files. Nothing here runs terraform, and only `mend_state` changes a file of terraform's."""

    path: Path

    @property
    def state(self) -> Path:
        return self.path / "terraform.tfstate"

    @property
    def provider_lock(self) -> Path:
        return self.path / ".terraform.lock.hcl"

    @property
    def state_is_elsewhere(self) -> bool:
        """Whether a backend holds the state: terraform records which one here."""
        return (self.path / ".terraform" / "terraform.tfstate").exists()

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
        lock, backup = state_lock(self.state), self.path / "terraform.tfstate.backup"
        if lock is not None and lock.held:
            return
        if backup.exists() and backup.stat().st_size > 0:
            replace_file(self.state, backup.read_text(encoding="utf-8"), private=True, durable=True)
        else:
            self.state.unlink()

    def is_initialised(self, settings: str) -> bool:
        """Whether `init` was done with the same settings for the files that are here now."""
        mark = self._mark
        return mark.exists() and mark.read_text(encoding="utf-8") == self._fingerprint(settings)

    def mark_initialised(self, settings: str) -> None:
        self._mark.parent.mkdir(exist_ok=True)  # terraform makes none where there is nothing to install
        self._mark.write_text(self._fingerprint(settings), encoding="utf-8")

    def unmark_initialised(self) -> None:
        self._mark.unlink(missing_ok=True)

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

    def _fingerprint(self, settings: str) -> str:
        digest = hashlib.sha256(settings.encode())
        for file in sorted([*self.path.glob("*.tf"), *self.path.glob(self.provider_lock.name)]):
            digest.update(f"\0{file.name}\0".encode() + file.read_bytes())
        return digest.hexdigest()

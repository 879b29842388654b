"""The providers of a working folder: `terraform init` verifies them; afterwards what the disk says of them counts.

terraform hashes every provider that its lock file has hashes for, and does so in each command: 2.6 s for the AWS
provider's 700 MB. Where no file of a provider has changed since the `init` that verified it, other commands get the
lock file without them. No AWS calls here, and terraform is not run.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deployer.files import replace_file

Seen = dict[str, list[int]]  # size, times in nanoseconds and inode of each file, by its path

_HASHES = re.compile(r"^[ \t]*hashes[ \t]*=[ \t]*\[[^\]]*\][ \t]*\n", re.MULTILINE)


@dataclass(frozen=True)
class Providers:
    """What is installed in the folder's `.terraform`, and the lock file beside it."""

    folder: Path

    @property
    def lock(self) -> Path:
        return self.folder / ".terraform.lock.hcl"

    def seen(self) -> Seen:
        """Every file of every provider as the disk has it now; links are followed, mirrors are linked to."""
        installed = self.folder / ".terraform" / "providers"
        paths = (Path(folder, name) for folder, _, names in os.walk(installed, followlinks=True) for name in names)
        return {str(path.relative_to(installed)): _facts(path) for path in sorted(paths)}

    @contextmanager
    def unhashed(self) -> Iterator[None]:
        """While the block runs the lock file names versions alone. A plan and its apply both have to run so."""
        full = self.lock.read_text(encoding="utf-8") if self.lock.exists() else ""
        if not _HASHES.search(full):
            yield
            return
        replace_file(self._kept, full, durable=True)
        try:
            replace_file(self.lock, without_hashes(full))
            yield
        finally:
            self.restore_lock()

    def restore_lock(self) -> None:
        """Put the hashes back that a killed run left out, unless somebody has written another lock file since."""
        try:
            full = self._kept.read_text(encoding="utf-8")
        except FileNotFoundError:
            return
        if self.lock.exists() and self.lock.read_text(encoding="utf-8") == without_hashes(full):
            replace_file(self.lock, full, durable=True)
        self._kept.unlink(missing_ok=True)

    @property
    def _kept(self) -> Path:
        """Not in `.terraform`: a user who deletes that folder must not lose the hashes with it."""
        return self.folder / ".terraform.lock.hcl.full"


def without_hashes(lock: str) -> str:
    """The text of a lock file with the versions alone ("Dependency Lock File" of terraform's documentation)."""
    return _HASHES.sub("", lock)


def _facts(path: Path) -> list[int]:
    """The time of the last change of the inode too: unlike the file's own time it cannot be set back."""
    try:
        found = path.stat()
    except OSError:
        return []
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]

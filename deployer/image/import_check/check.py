"""One check from its start to its verdict, which is kept for the next push of the same packages and code.

A missing module or shared library is found here and not at the first request. Read-only but for /tmp, without a
network, on the base image's own system where there is one. What cannot be tried on this machine is said, not failed.
"""

from __future__ import annotations

import json
import platform as host
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployer.errors import DeployerError
from deployer.files import days_unused, replace_file, used
from deployer.image.import_check.failure import Ground, judge
from deployer.image.import_check.ground import Grounds, NotPossible
from deployer.image.import_check.key import import_key
from deployer.image.import_check.placeholders import placeholders, refused_placeholder
from deployer.image.import_check.report import tail
from deployer.image.layer_cache import UNUSED_DAYS
from deployer.image.unpacked import set_aside_unused, unpacked_image, unpacked_layer
from deployer.tools.oci_layout import MACHINES, Layout, read_layout
from deployer.tools.process import Completed, Runner

SECONDS = 120.0
MORE_SECONDS = 20.0  # for the sandbox itself: the process ends in time by its own clock

Say = Callable[[str], None]


@dataclass(frozen=True)
class ImportCheck:
    """`variables` are the user's environment, for finding interpreters. `cache` is deployer's cache folder.

    Layers are unpacked where the local target finds them. `log` gets all that the process writes. `secrets` are names
    of variables that the function gets its secrets in.
    """

    runner: Runner
    variables: Mapping[str, str]
    cache: Path
    say: Say
    log: Path | None = None
    seconds: float = SECONDS
    secrets: Sequence[str] = ()

    def check(self, layout: Path) -> None:
        """Raises DeployerError that names what is missing. A success is kept; the same packages and code skip it."""
        image = read_layout(layout)
        document = json.loads(image.path(image.blobs[-1]).read_bytes())
        try:
            self._check(image, document)
        except NotPossible as reason:
            self.say(f"import check: not possible: {reason}")

    def _check(self, image: Layout, document: Mapping[str, Any]) -> None:
        started = time.monotonic()
        _require_this_machine(str(document.get("architecture") or ""))
        config = document.get("config") or {}
        ground = Grounds(self.runner, self.variables, self.cache / "import-check").find(image, config)
        key = import_key(image, config, ground=[*ground.identity, *sorted(self.secrets)])
        record = self.cache / "import-check" / "passed" / key
        if used(record):
            self.say("import check: ok (cached)")
            return
        if ground.remark:
            self.say(f"import check: {ground.remark}")
        root = self._unpacked(image)
        with tempfile.TemporaryDirectory(prefix="deployer-import-", ignore_cleanup_errors=True) as tmp:
            launch = ground.launch(root, config, tmp=Path(tmp), seconds=self.seconds, more=placeholders(self.secrets))
            limit = self.seconds + MORE_SECONDS
            completed = self.runner.run(
                launch.argv, env=launch.variables, cwd=launch.directory, timeout=limit, log=self.log
            )
        self._forget_unused()
        if self._passes(completed, ground.ground):
            _remember(record)
            self.say(f"import check: ok ({time.monotonic() - started:.1f} s)")

    def _unpacked(self, image: Layout) -> Path:
        cache = self.cache / "local"
        layers = (unpacked_layer(image.path(layer), layer.digest, cache) for layer in image.blobs[:-1])
        return unpacked_image(image.manifest.digest, layers, cache)

    def _forget_unused(self) -> None:
        """Where no local AWS is ever started, nobody else does it."""
        for folder in set_aside_unused(self.cache / "local", now=time.time()):
            shutil.rmtree(folder, ignore_errors=True)

    def _passes(self, completed: Completed, ground: Ground) -> bool:
        """False for what proves nothing."""
        verdict = judge(completed, ground, seconds=self.seconds)
        if verdict is None:
            return True
        unproven = refused_placeholder(completed, self.secrets) if verdict.fails else verdict.message
        if unproven:
            self.say(f"import check: {unproven}")
            return False
        said = "" if self.log or verdict.known else tail(completed)
        message = f"{verdict.message}\n{said}".rstrip()
        raise DeployerError(message, hint=verdict.hint, log=self.log)


def _require_this_machine(architecture: str) -> None:
    wanted, here = MACHINES.get(architecture, architecture), MACHINES.get(host.machine(), host.machine())
    if wanted and wanted != here:
        raise NotPossible(f"the image is for {wanted}, this machine is {here}")


def _remember(record: Path) -> None:
    """And forget what no push has asked for lately."""
    record.parent.mkdir(parents=True, exist_ok=True)
    replace_file(record, "")
    now = time.time()
    for other in record.parent.iterdir():
        with suppress(OSError):
            if days_unused(other, now=now) > UNUSED_DAYS:
                other.unlink()

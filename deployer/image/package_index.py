"""Where packages come from: the user's own index before the Bento's, and neither replaces the other in silence.

BentoML writes uv's default index into every Bento; an image that took that for a choice would pass by a user's mirror.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from deployer.image.requirements import Requirements
from deployer.tools.process import Runner

SECONDS = 30.0
# What decides which packages uv chooses, beside the Bento's own words.
DECIDING = re.compile(
    r"UV_((DEFAULT_|EXTRA_)?INDEX(_URL|_STRATEGY)?|FIND_LINKS|NO_INDEX|CONSTRAINT|OVERRIDE|EXCLUDE_NEWER|PRERELEASE|RESOLUTION)"
)


@dataclass(frozen=True)
class PackageIndex:
    """`variables` are the user's. uv's settings hold, in files too; pip's stand in where uv has none."""

    uv: Path
    runner: Runner
    variables: Mapping[str, str]
    say: Callable[[str], None]

    def environment(self, wanted: Requirements, *, cwd: Path) -> dict[str, str]:
        """uv's variables for the user's sources, and after them those that the Bento names. Hosts alone are said.

        Not options: they would take the place of the user's variables, and a log shows them with their passwords.
        """
        found = self._users()
        if self._bento_decides(wanted.index_url, cwd):
            found["UV_DEFAULT_INDEX"] = wanted.index_url
        for url in wanted.extra_index_urls:
            self.say(f"extra package index {urlsplit(url).hostname} of the Bento: used")
        added = (
            ("UV_INDEX", " ", wanted.extra_index_urls),
            ("UV_FIND_LINKS", ",", wanted.find_links),
            ("UV_INSECURE_HOST", " ", wanted.trusted_hosts),
        )
        for name, joint, places in added:
            if places:
                found[name] = joint.join(filter(None, [found.get(name), *places]))
        return found

    def options(self, wanted: Requirements) -> list[str]:
        options = ["--no-index"] if wanted.no_index else []
        # pip, which BentoML's own images use, takes the best version of all indexes; uv stops at the first.
        return [*options, "--index-strategy", "unsafe-best-match"] if wanted.extra_index_urls else options

    def identity(self) -> str:
        """The user's settings that decide which packages are chosen, less logins: those run out and are renewed."""
        deciding = {name: value for name, value in self._users().items() if DECIDING.fullmatch(name)}
        return re.sub(r"//[^/@\s]*@", "//", json.dumps(deciding, sort_keys=True))

    def _users(self) -> dict[str, str]:
        return {**self.variables, **pip_settings(self.variables), "UV_PYTHON_DOWNLOADS": "never"}

    def _bento_decides(self, url: str, cwd: Path) -> bool:
        """Only where the Bento's index is a real choice, and the user has made none."""
        if not url:
            return False
        default = self._index({"PATH": self.variables.get("PATH", "")}, "--no-config", cwd=cwd)
        if _same(url, default):
            return False
        users_own = not _same(self._index(self._users(), cwd=cwd), default)
        told = "your own is used instead" if users_own else "used"
        self.say(f"package index {urlsplit(url).hostname} of the Bento: {told}")
        return not users_own

    def _index(self, environment: Mapping[str, str], *options: str, cwd: Path) -> str:
        """The main index that uv uses in this environment, which it tells with an empty list. No network."""
        argv = [
            str(self.uv),
            "pip",
            "compile",
            "-",
            "--emit-index-url",
            "--offline",
            "--no-header",
            "--quiet",
            *options,
        ]
        lines = self.runner.run(argv, env=environment, cwd=cwd, timeout=SECONDS).stdout.splitlines()
        return next((line.split()[1] for line in lines if line.startswith("--index-url ")), "")


def pip_settings(variables: Mapping[str, str]) -> dict[str, str]:
    """pip's own index variables as uv's, for each that the user has not set for uv."""
    pip = {name: variables.get(f"PIP_{name}", "") for name in ("INDEX_URL", "EXTRA_INDEX_URL", "FIND_LINKS", "CERT")}
    found: dict[str, str] = {}
    if pip["INDEX_URL"] and not {"UV_DEFAULT_INDEX", "UV_INDEX_URL"} & variables.keys():
        found["UV_DEFAULT_INDEX"] = pip["INDEX_URL"]
    if pip["EXTRA_INDEX_URL"] and not {"UV_INDEX", "UV_EXTRA_INDEX_URL"} & variables.keys():
        found["UV_INDEX"] = pip["EXTRA_INDEX_URL"]
    if pip["FIND_LINKS"] and "UV_FIND_LINKS" not in variables:
        found["UV_FIND_LINKS"] = ",".join(pip["FIND_LINKS"].split())
    if pip["CERT"] and "SSL_CERT_FILE" not in variables:
        found["SSL_CERT_FILE"] = pip["CERT"]
    return found


def _same(one: str, other: str) -> bool:
    return one.rstrip("/") == other.rstrip("/")

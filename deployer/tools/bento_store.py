"""The BentoML store, by its documented layout: `bentos/<name>/<version>/bento.yaml`, `bentos/<name>/latest`, `models/`.

Read, never written, and bentoml is not imported: that would take seconds and tie us to one version of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from deployer.errors import BadInput
from deployer.models import Bento, Tag
from deployer.near_miss import near_miss
from deployer.tools.bento_document import DESCRIPTION, TAG_PART, creation_time, read_bento

LISTED = 20


class BentoStore:
    """The store at `home`, which need not exist: then it is empty."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._bentos = home / "bentos"

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> BentoStore:
        """The store BentoML itself uses under these environment variables."""
        return cls(store_home(variables))

    def list(self) -> tuple[Tag, ...]:
        """Every Bento, by name and version. A folder without a bento.yaml is one that BentoML is still writing."""
        found = self._bentos.glob(f"*/*/{DESCRIPTION}")
        return tuple(sorted(Tag(path.parent.parent.name, path.parent.name) for path in found))

    def get(self, tag: str) -> Bento:
        """A Bento by `name:version`, `name:latest` or `name` (the latest), or by a version's only possible beginning.

        Raises BadInput for a tag that is none or is not there, DeployerError for a Bento that cannot be used.
        """
        name, version = _parsed(tag)
        versions = [known.version for known in self.list() if known.name == name]
        if version == "latest":
            chosen = self._latest(name, versions)
        else:
            begun = [known for known in versions if known.startswith(version)]
            chosen = version if version in versions else begun[0] if len(begun) == 1 else None
        if chosen is None:
            raise self._unknown(tag)
        return read_bento(self._bentos / name / chosen, models=self.home / "models")

    def _latest(self, name: str, versions: Sequence[str]) -> str | None:
        """What the file `latest` names; without one that is right, the newest, as BentoML decides it."""
        file = self._bentos / name / "latest"
        named = file.read_text(encoding="utf-8").strip() if file.is_file() else ""
        if named in versions:
            return named
        return max(versions, key=lambda version: creation_time(self._bentos / name / version), default=None)

    def _unknown(self, tag: str) -> BadInput:
        known = [str(each) for each in self.list()]
        if not known:
            hint = f"The BentoML store {self.home} is empty: run `bentoml build` there, or set BENTOML_HOME."
            return BadInput(f"There is no Bento {tag}.", hint=hint)
        names = sorted({each.name for each in self.list()})
        near = near_miss(tag, known) or near_miss(tag.partition(":")[0], names)
        listed = ", ".join(known[:LISTED]) + (f" and {len(known) - LISTED} more" if len(known) > LISTED else "")
        return BadInput(f"There is no Bento {tag} in {self.home}.", hint=f"{near} There are: {listed}.".lstrip())


def store_home(variables: Mapping[str, str]) -> Path:
    """BENTOML_HOME, or `bentoml` in the home folder."""
    home = variables.get("BENTOML_HOME") or str(Path(variables.get("HOME") or Path.home()) / "bentoml")
    return Path(home).expanduser().absolute()


def _parsed(tag: str) -> tuple[str, str]:
    """Name and version in lower case, as BentoML reads them; `latest` where no version is given."""
    name, colon, version = tag.lower().partition(":")
    if (colon and not version) or not all(TAG_PART.fullmatch(part) for part in (name, version or "latest")):
        raise BadInput(
            f"{tag!r} is not a Bento tag.",
            hint="A tag is `name:version`, `name:latest` or `name`, of letters, digits and `-`, `_`, `.`.",
        )
    return name, version or "latest"

"""An environment laid over the config that it is a part of, and where in the file each value of the result stands.

Mappings are merged key by key; lists and scalars replace what was there; null takes a key away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deployer.config.problem import Keys
from deployer.config.schema import OVERLAY_KEYS
from deployer.errors import BadInput
from deployer.near_miss import near_miss

if TYPE_CHECKING:
    from deployer.config.document import Document

ENVIRONMENTS = "environments"


@dataclass(frozen=True)
class Overlaid:
    """`values` are the config's with the environment over them, and without `environments`.

    `environment` is empty where none was chosen.
    """

    document: Document
    values: dict[str, Any]
    environment: str = ""

    @property
    def environments(self) -> dict[str, Any]:
        """What the file says of environments, as a config has it: an environment with nothing in it is one too."""
        known = self.document.values.get(ENVIRONMENTS)
        if isinstance(known, Mapping):
            return {ENVIRONMENTS: {name: {} if overlay is None else overlay for name, overlay in known.items()}}
        return {} if known is None else {ENVIRONMENTS: known}

    def place(self, keys: Keys) -> Keys:
        """The keys that lead to a value of the result in the file: those of the environment where it says anything."""
        if not self.environment or keys[:1] == (ENVIRONMENTS,):
            return keys
        own: Keys = (ENVIRONMENTS, self.environment, *keys)
        deep = self.document.depth(own) - 2
        return own if deep == len(keys) or deep > self.document.depth(keys) else keys

    def text(self, keys: Keys) -> str | None:
        """A scalar of the result as it stands in the file."""
        return self.document.text(self.place(keys))


def overlaid(document: Document, environment: str) -> Overlaid:
    """The config as it is in this environment, empty for none. Raises BadInput for one that the file does not have.

    What it says is not checked here. A name of its own is the environment's, else `<name>-<environment>`; a key of the
    terraform state that it does not give itself is the config's with the environment in it.
    """
    known = document.values.get(ENVIRONMENTS)
    values = {key: value for key, value in document.values.items() if key != ENVIRONMENTS}
    if not environment:
        return Overlaid(document, values)
    overlay = _chosen(document, known if isinstance(known, Mapping) else {}, environment)
    merged = merge(values, overlay)
    merged["name"] = name_in(values, overlay, environment)
    if merged["name"] is None:
        del merged["name"]
    return Overlaid(document, _with_state_of_its_own(merged, overlay, environment), environment)


def merge(values: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """Values with those of an overlay; neither is changed."""
    merged = dict(values)
    for key, value in overlay.items():
        below = merged.get(key)
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            merged[key] = merge(below if isinstance(below, Mapping) else {}, value)
        else:
            merged[key] = value
    return merged


def name_in(values: Mapping[str, Any], overlay: Mapping[str, Any], environment: str) -> Any:
    """The deployment's name in an environment, None where the config has none; it may be no text yet."""
    name = overlay.get("name")
    if name is None:
        name = values.get("name")
        return f"{name}-{environment}" if isinstance(name, str) else name
    return name


def _with_state_of_its_own(values: dict[str, Any], overlay: Mapping[str, Any], environment: str) -> dict[str, Any]:
    """The values with a key of the state that is not the config's: one state is one deployment.

    What the environment takes over from the config gets its name before the last part: `team/prod/digits.tfstate`.
    """
    key, own = (_at(part, "terraform", "backend", "key") for part in (values, overlay))
    if own is not None or not isinstance(key, str) or not key:
        return values
    folder, slash, file = key.rpartition("/")
    return merge(values, {"terraform": {"backend": {"key": f"{folder}{slash}{environment}/{file}"}}})


def _at(values: Any, *keys: str) -> Any:
    """What stands at the keys, None where nothing does."""
    for key in keys:
        values = values.get(key) if isinstance(values, Mapping) else None
    return values


def _chosen(document: Document, known: Mapping[str, Any], environment: str) -> Mapping[str, Any]:
    if not known:
        hint = "Leave --env out, or describe the environment there under the key `environments`."
        raise BadInput(f"{document.path} has no environments, and --env says {environment}.", hint=hint)
    if environment not in known:
        valid = f"{near_miss(environment, known)} Valid: {', '.join(known)}."
        raise BadInput(f"{document.path} has no environment {environment}.{valid}", hint="Choose one with --env.")
    overlay = known[environment]
    given = overlay if isinstance(overlay, Mapping) else {}
    return {key: value for key, value in given.items() if key in OVERLAY_KEYS}  # others are a problem, told as such

"""Make sure that the Bento's image is in the registry: reuse the one that is there, else drive bentoctl to build it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from deployer import __version__
from deployer.config import DeploymentConfig
from deployer.files import replace_file
from deployer.models import Bento, Image, ImagePlan
from deployer.tools.bentoctl import Bentoctl, Job
from deployer.tools.terraform_values import VALUES_FILE

PACKAGE = Path(__file__).parent.parent
SHIPPED = ("operator", "runtime", "image", "locks")
NOT_COPIED = (".terraform", "*.tfstate*", VALUES_FILE, ".git")  # of a template, by the operator: its own list is equal
Lookup = Callable[[str, str], "str | None"]


@dataclass(frozen=True)
class Inputs:
    """Hashes of what decides a deployment: `image` of its image alone, `release` of everything, terraform's part too.

    `base` is the digest of the base image that went into both.
    """

    image: str
    release: str
    base: str = ""


def inputs_of(bento: Bento, config: DeploymentConfig, template: Path, plan: ImagePlan, *, base: str) -> Inputs:
    """Equal inputs need no new build, and no new release.

    A Bento version and a model version never change in the store, so their own YAML files stand for their content.
    """
    files = [bento.path / "bento.yaml", *(model.path / "model.yaml" for model in bento.models)]
    files += sorted(path for part in SHIPPED for path in (PACKAGE / part).rglob("*") if path.suffix in {".py", ".txt"})
    place = {"region": config.spec.region, "repository": config.repository, "base_digest": base}
    image = _digest({**asdict(plan), **place, "bento": str(bento.tag)}, ((file.name, file) for file in files))
    own = {"env": dict(config.env), "secrets": dict(config.secrets)}
    settings = {"name": config.name, "spec": asdict(config.spec), **own, "image": image}
    return Inputs(image, _digest(settings, _template_files(template)), base)


def _template_files(template: Path) -> list[tuple[str, Path]]:
    """Every file that the operator copies, after its path in the template; links are followed as it follows them."""
    found: list[tuple[str, Path]] = []
    for folder, folders, names in os.walk(template, followlinks=True):
        folders[:] = [name for name in folders if _is_copied(name)]
        files = (Path(folder, name) for name in names if _is_copied(name))
        found += [(file.relative_to(template).as_posix(), file) for file in files if file.is_file()]
    return sorted(found)


def _is_copied(name: str) -> bool:
    return not any(fnmatch(name, pattern) for pattern in NOT_COPIED)


def _digest(settings: Mapping[str, Any], files: Iterable[tuple[str, Path]]) -> str:
    digest = hashlib.sha256(__version__.encode())
    for name, file in files:
        digest.update(b"\0" + os.fsencode(name) + b"\0" + file.read_bytes())
    digest.update(json.dumps(settings, sort_keys=True).encode())
    return digest.hexdigest()


def recorded_image(record: Path, inputs: str, *, lookup: Lookup) -> Image | None:
    """The image of an earlier run of the same inputs, when the registry still holds exactly that digest."""
    try:
        known = json.loads(record.read_text(encoding="utf-8"))
        image = Image(known["repository"], known["tag"], known["digest"], reused=True)
        same = known["inputs"] == inputs
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not same or lookup(image.repository.partition("/")[2], image.tag) != image.digest:
        return None
    return image


def recorded_base(record: Path) -> str:
    """The base image's digest of the last build here; empty where none is known."""
    return _recorded(record).get("base", "")


def recorded_tag(record: Path, digest: str) -> str:
    """The tag that the last build here gave an image; empty where that was another image."""
    known = _recorded(record)
    return known.get("tag", "") if known.get("digest") == digest else ""


def _recorded(record: Path) -> dict[str, str]:
    try:
        return {str(key): str(value) for key, value in json.loads(record.read_text(encoding="utf-8")).items()}
    except (OSError, ValueError, AttributeError):
        return {}


def write_values(job: Job, bentoctl: Bentoctl, *, say: Callable[[str], None]) -> None:
    """Drive `bentoctl init`: the template and the values of its variables, the image's left as they were."""
    say("bentoctl init")
    bentoctl.init(job)


def build_image(job: Job, bentoctl: Bentoctl, *, say: Callable[[str], None]) -> Image:
    """Drive `bentoctl build`, after `write_values`: the image is pushed, its tag and digest are written to the values.

    The image counts as reused where the registry had every byte of it already.
    """
    say("bentoctl build")
    return bentoctl.build(job, on_line=say)


def record_image(record: Path, inputs: Inputs, image: Image) -> None:
    """Remember which inputs made which image; only a hint, the registry is asked before it is believed."""
    known = {"inputs": inputs.image, "base": inputs.base}
    known |= {"repository": image.repository, "tag": image.tag, "digest": image.digest}
    replace_file(record, json.dumps(known, indent=2))

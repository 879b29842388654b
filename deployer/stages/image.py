"""Make sure that the Bento's image is in the registry: reuse the one that is there, else drive bentoctl to build it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from deployer import __version__
from deployer.config import DeploymentConfig
from deployer.files import replace_file
from deployer.models import Bento, Image, ImagePlan
from deployer.tools.bentoctl import Bentoctl, Job

PACKAGE = Path(__file__).parent.parent
SHIPPED = ("operator", "runtime", "image", "locks")
Lookup = Callable[[str, str], "str | None"]


def inputs_digest(bento: Bento, config: DeploymentConfig, template: Path, plan: ImagePlan) -> str:
    """One hash of all that decides the image and the terraform variables: equal inputs need no new build.

    A Bento version and a model version never change in the store, so their own YAML files stand for their content.
    """
    digest = hashlib.sha256(__version__.encode())
    files = [bento.path / "bento.yaml", *(model.path / "model.yaml" for model in bento.models)]
    files += sorted(path for part in SHIPPED for path in (PACKAGE / part).rglob("*") if path.suffix in {".py", ".txt"})
    files += sorted(template.glob("*.tf"))
    for file in files:
        digest.update(b"\0" + file.name.encode() + b"\0" + file.read_bytes())
    settings = {"name": config.name, "spec": asdict(config.spec), "env": dict(config.env), "bento": str(bento.tag)}
    settings["image"] = asdict(plan)
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


def build_image(job: Job, bentoctl: Bentoctl, *, say: Callable[[str], None]) -> Image:
    """Drive `bentoctl init` and `bentoctl build`: the image is pushed and terraform's files are written afterwards.

    The image counts as reused where the registry had every byte of it already.
    """
    say("bentoctl init")
    bentoctl.init(job)
    say("bentoctl build")
    return bentoctl.build(job, on_line=say)


def record_image(record: Path, inputs: str, image: Image) -> None:
    """Remember which inputs made which image; only a hint, the registry is asked before it is believed."""
    known = {"inputs": inputs, "repository": image.repository, "tag": image.tag, "digest": image.digest}
    replace_file(record, json.dumps(known, indent=2))

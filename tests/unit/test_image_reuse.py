"""When an image is made anew and when the recorded one is believed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deployer.config import DeploymentConfig, Spec
from deployer.models import Bento, Image, ImagePlan, Model, Tag
from deployer.stages.image import inputs_digest, record_image, recorded_image

IMAGE = Image("123456789012.dkr.ecr.us-east-1.amazonaws.com/team/digits", "v1", "sha256:aa", reused=False)
CONFIG = DeploymentConfig(name="digits")
PLAN = ImagePlan()


@pytest.fixture
def bento(tmp_path: Path) -> Bento:
    (tmp_path / "bento").mkdir()
    (tmp_path / "bento" / "bento.yaml").write_text("name: digits\n")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.yaml").write_text("name: digits\n")
    model = Model(Tag("digits", "m1"), tmp_path / "model")
    return Bento(Tag("digits", "v1"), tmp_path / "bento", "3.11", "1.4.39", "service:Digits", models=(model,))


@pytest.fixture
def template(tmp_path: Path) -> Path:
    (tmp_path / "template").mkdir()
    (tmp_path / "template" / "main.tf").write_text("# one\n")
    return tmp_path / "template"


def test_equal_inputs_have_one_digest(bento: Bento, template: Path) -> None:
    """Asked twice, the digest is the same."""
    assert inputs_digest(bento, CONFIG, template, PLAN) == inputs_digest(bento, CONFIG, template, PLAN)


@pytest.mark.parametrize(
    "change",
    [
        replace(CONFIG, env={"A": "1"}),
        replace(CONFIG, name="other"),
        replace(CONFIG, spec=Spec(timeout=61)),
        replace(CONFIG, spec=Spec(tags={"a": "b"})),
        replace(CONFIG, spec=Spec(invoke_mode="RESPONSE_STREAM")),
        replace(CONFIG, spec=Spec(event_route="/predict")),
        replace(CONFIG, spec=Spec(documentation=False)),
    ],
)
def test_every_setting_that_terraform_gets_changes_the_digest(
    bento: Bento, template: Path, change: DeploymentConfig
) -> None:
    """A changed setting must reach terraform's variables, so it is another input."""
    assert inputs_digest(bento, change, template, PLAN) != inputs_digest(bento, CONFIG, template, PLAN)


@pytest.mark.parametrize("plan", [ImagePlan("docker"), ImagePlan(base="python:3.11"), ImagePlan(machine="aarch64")])
def test_another_way_to_make_the_image_changes_the_digest(bento: Bento, template: Path, plan: ImagePlan) -> None:
    """The same Bento on another base, for another machine or made by Docker is another image."""
    assert inputs_digest(bento, CONFIG, template, plan) != inputs_digest(bento, CONFIG, template, PLAN)


def test_a_changed_bento_model_or_template_changes_the_digest(bento: Bento, template: Path) -> None:
    """Each of the files that stand for the content counts."""
    seen = {inputs_digest(bento, CONFIG, template, PLAN)}
    for file in (bento.path / "bento.yaml", bento.models[0].path / "model.yaml", template / "main.tf"):
        file.write_text("changed\n")
        seen.add(inputs_digest(bento, CONFIG, template, PLAN))

    assert len(seen) == 4


def test_a_recorded_image_is_believed_when_the_registry_agrees(tmp_path: Path) -> None:
    """The lookup is asked for the repository's name, nested as it may be, and the tag."""
    record = tmp_path / "image.json"
    record_image(record, "inputs", IMAGE)
    asked: list[tuple[str, str]] = []

    def lookup(repository: str, tag: str) -> str | None:
        asked.append((repository, tag))
        return IMAGE.digest

    assert recorded_image(record, "inputs", lookup=lookup) == replace(IMAGE, reused=True)
    assert asked == [("team/digits", "v1")]


@pytest.mark.parametrize(("inputs", "found"), [("others", IMAGE.digest), ("inputs", None), ("inputs", "sha256:bb")])
def test_a_recorded_image_is_not_believed_otherwise(tmp_path: Path, inputs: str, found: str | None) -> None:
    """Other inputs, a registry that forgot, or another digest under the tag: build again."""
    record_image(tmp_path / "image.json", "inputs", IMAGE)

    assert recorded_image(tmp_path / "image.json", inputs, lookup=lambda repository, tag: found) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"inputs": "inputs"}'])
def test_a_record_that_cannot_be_read_means_building_again(tmp_path: Path, text: str) -> None:
    """A torn or foreign record is no error."""
    (tmp_path / "image.json").write_text(text)

    assert recorded_image(tmp_path / "image.json", "inputs", lookup=lambda repository, tag: IMAGE.digest) is None

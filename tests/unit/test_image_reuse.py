"""When an image is made anew and when the recorded one is believed."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from deployer.config import DeploymentConfig, Spec
from deployer.models import Bento, Image, ImagePlan, Model, Tag
from deployer.stages.image import (
    NOT_COPIED,
    PACKAGE,
    Inputs,
    inputs_of,
    record_image,
    recorded_base,
    recorded_image,
)
from deployer.tools.terraform_values import VALUES_FILE

IMAGE = Image("123456789012.dkr.ecr.us-east-1.amazonaws.com/team/digits", "v1", "sha256:aa", reused=False)
CONFIG = DeploymentConfig(name="digits")
PLAN = ImagePlan()
INPUTS = Inputs("inputs", "release", base="sha256:cc")


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


def inputs(
    bento: Bento, template: Path, config: DeploymentConfig = CONFIG, plan: ImagePlan = PLAN, base: str = ""
) -> Inputs:
    return inputs_of(bento, config, template, plan, base=base)


def test_equal_inputs_have_equal_hashes(bento: Bento, template: Path) -> None:
    """Asked twice, they are the same."""
    assert inputs(bento, template) == inputs(bento, template)


@pytest.mark.parametrize(
    "change",
    [
        replace(CONFIG, env={"A": "1"}),
        replace(CONFIG, name="other", spec=Spec(repository="digits")),
        replace(CONFIG, spec=Spec(timeout=61)),
        replace(CONFIG, spec=Spec(tags={"a": "b"})),
        replace(CONFIG, spec=Spec(invoke_mode="RESPONSE_STREAM")),
        replace(CONFIG, spec=Spec(event_route="/predict")),
        replace(CONFIG, spec=Spec(documentation=False)),
    ],
)
def test_a_setting_of_the_function_is_a_release_of_the_same_image(
    bento: Bento, template: Path, change: DeploymentConfig
) -> None:
    """It must reach terraform's variables; nothing is built for it."""
    before, after = inputs(bento, template), inputs(bento, template, change)

    assert (before.image, before.release == after.release) == (after.image, False)


@pytest.mark.parametrize("plan", [ImagePlan("docker"), ImagePlan(base="python:3.11"), ImagePlan(machine="aarch64")])
def test_another_way_to_make_the_image_is_another_image(bento: Bento, template: Path, plan: ImagePlan) -> None:
    """The same Bento on another base, for another machine or made by Docker."""
    before, after = inputs(bento, template), inputs(bento, template, plan=plan)

    assert (before.image == after.image, before.release == after.release) == (False, False)


@pytest.mark.parametrize("change", [Spec(region="eu-west-1"), Spec(repository="team/digits")])
def test_an_image_belongs_to_its_registry(bento: Bento, template: Path, change: Spec) -> None:
    """Another region or repository needs the image pushed there."""
    assert inputs(bento, template).image != inputs(bento, template, replace(CONFIG, spec=change)).image


def test_a_base_image_that_was_renewed_is_another_image(bento: Bento, template: Path) -> None:
    """Its name is the same, its digest is not."""
    one, two = (inputs(bento, template, base=f"sha256:{name}") for name in ("aa", "bb"))

    assert (one.image == two.image, one.release == two.release, two.base) == (False, False, "sha256:bb")


def test_a_changed_bento_model_or_template_is_another_release(bento: Bento, template: Path) -> None:
    """Each of the files that stand for the content counts, the template's for the release alone."""
    seen = [inputs(bento, template)]
    for file in (bento.path / "bento.yaml", bento.models[0].path / "model.yaml", template / "main.tf"):
        file.write_text("changed\n")
        seen.append(inputs(bento, template))

    assert (3, 4) == (len({one.image for one in seen}), len({one.release for one in seen}))


@pytest.mark.parametrize("name", ["modules/x/main.tf", "extra.tf.json", "user_data.tftpl", "policy.json"])
def test_every_file_of_a_template_that_is_copied_counts(bento: Bento, template: Path, name: str) -> None:
    """A module, a template of text and a policy decide as much as the .tf files; where they are counts too."""
    seen, file = [inputs(bento, template)], template / name
    file.parent.mkdir(parents=True, exist_ok=True)
    for text in ("one", "two"):
        file.write_text(text)
        seen.append(inputs(bento, template))
    (template / "elsewhere").mkdir()
    file.rename(template / "elsewhere" / file.name)
    seen.append(inputs(bento, template))

    assert (1, 4) == (len({one.image for one in seen}), len({one.release for one in seen}))


@pytest.mark.parametrize(
    "name",
    [
        ".terraform/providers/x",
        ".git/HEAD",
        "terraform.tfstate",
        "terraform.tfstate.backup",
        "terraform.tfvars.json",
        "modules/x/.terraform/y",
    ],
)
def test_what_is_not_copied_does_not_count(bento: Bento, template: Path, name: str) -> None:
    """What a run of the user's own left in the template's folder makes no new release."""
    before, file = inputs(bento, template), template / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("one")

    assert before == inputs(bento, template)


def test_the_operator_copies_what_is_hashed() -> None:
    """Its own list is the same; it runs in bentoctl's environment and can import none of ours."""
    operator = ast.parse((PACKAGE / "operator" / "aws_lambda" / "lambda_operator.py").read_text(encoding="utf-8"))
    (value,) = (
        node.value
        for node in operator.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_NOT_PART_OF_A_TEMPLATE"
    )

    assert isinstance(value, ast.Call)
    assert {name.value if isinstance(name, ast.Constant) else VALUES_FILE for name in value.args} == set(NOT_COPIED)


def test_a_recorded_image_is_believed_when_the_registry_agrees(tmp_path: Path) -> None:
    """The lookup is asked for the repository's name, nested as it may be, and the tag."""
    record = tmp_path / "image.json"
    record_image(record, INPUTS, IMAGE)
    asked: list[tuple[str, str]] = []

    def lookup(repository: str, tag: str) -> str | None:
        asked.append((repository, tag))
        return IMAGE.digest

    assert recorded_image(record, "inputs", lookup=lookup) == replace(IMAGE, reused=True)
    assert asked == [("team/digits", "v1")]
    assert recorded_base(record) == "sha256:cc"


@pytest.mark.parametrize(("inputs", "found"), [("others", IMAGE.digest), ("inputs", None), ("inputs", "sha256:bb")])
def test_a_recorded_image_is_not_believed_otherwise(tmp_path: Path, inputs: str, found: str | None) -> None:
    """Other inputs, a registry that forgot, or another digest under the tag: build again."""
    record_image(tmp_path / "image.json", INPUTS, IMAGE)

    assert recorded_image(tmp_path / "image.json", inputs, lookup=lambda repository, tag: found) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"inputs": "inputs"}'])
def test_a_record_that_cannot_be_read_means_building_again(tmp_path: Path, text: str) -> None:
    """A torn or foreign record is no error."""
    (tmp_path / "image.json").write_text(text)

    assert recorded_image(tmp_path / "image.json", "inputs", lookup=lambda repository, tag: IMAGE.digest) is None
    assert recorded_base(tmp_path / "image.json") == ""

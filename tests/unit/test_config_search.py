"""Which config is taken for a Bento, a name or a file, and what is told when the answer is not plain."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.config import Spec
from deployer.config.search import deployment_name, find_config, only_config
from deployer.errors import BadInput


def write(folder: Path, file: str, *, name: str = "digits", bento: str = "", more: str = "") -> Path:
    path = folder / "deployment_configs" / file
    path.parent.mkdir(exist_ok=True)
    text = f"api_version: v1\nname: {name}\noperator: {{name: aws-lambda}}\ntemplate: terraform\n{more}"
    path.write_text(text + (f"bento: {bento}\n" if bento else ""), encoding="utf-8")
    return path


@pytest.mark.parametrize("bento", ["digits", "digits:v1", "digits:latest", "Digits:v1"])
@pytest.mark.parametrize("key", ["digits", "digits:latest", "Digits"])
def test_a_config_without_a_version_is_for_every_version(tmp_path: Path, bento: str, key: str) -> None:
    """BentoML knows no capitals, so they make no difference here."""
    path = write(tmp_path, "a.yaml", bento=key)
    found = find_config(tmp_path, bento=bento)
    assert found is not None
    assert (path, ()) == (found.path, found.notes)


def test_the_config_of_exactly_this_version_wins(tmp_path: Path) -> None:
    """One version may need other settings than the rest."""
    every = write(tmp_path, "every.yaml", bento="digits")
    exact = write(tmp_path, "exact.yml", bento="digits:v2")
    found = [find_config(tmp_path, bento=f"digits:{version}") for version in ("v1", "v2")]
    assert [every, exact] == [config.path for config in found if config]


def test_a_config_of_another_version_does_not_match(tmp_path: Path) -> None:
    """Defaults are taken, and the user is told."""
    write(tmp_path, "a.yaml", bento="digits:v1", more="spec: {timeout: 5}\n")
    found = find_config(tmp_path, bento="digits:v2")
    assert found is not None
    assert (None, Spec()) == (found.path, found.spec)
    assert ("No config in deployment_configs names the Bento digits: defaults are used.",) == found.notes


def test_two_configs_for_one_bento_are_listed(tmp_path: Path) -> None:
    """Which one is meant cannot be guessed; -f and --name both choose."""
    first = write(tmp_path, "a.yaml", bento="digits", name="one")
    second = write(tmp_path, "b.yaml", bento="digits", name="two")
    with pytest.raises(BadInput) as refused:
        find_config(tmp_path, bento="digits:v1")
    told = "Several configs are for the Bento digits:v1: deployment_configs/a.yaml, deployment_configs/b.yaml."
    assert (told, "Choose one with -f FILE.") == (refused.value.message, refused.value.hint)
    by_file = find_config(tmp_path, bento="digits:v1", file=first)
    by_name = find_config(tmp_path, bento="digits:v1", name="two")
    assert [first, second] == [config.path for config in (by_file, by_name) if config]


def test_the_reference_never_matches(tmp_path: Path) -> None:
    """It documents the keys, the key `bento` too."""
    write(tmp_path, "reference.yaml", bento="digits", name="digits-staging")
    by_bento = find_config(tmp_path, bento="digits:v1")
    assert by_bento is not None
    assert (None, "digits") == (by_bento.path, by_bento.name)
    assert find_config(tmp_path, name="digits-staging") is None


def test_nothing_given_leads_to_no_config(tmp_path: Path) -> None:
    """Neither does a name that no config has."""
    write(tmp_path, "a.yaml", bento="digits")
    assert [None, None] == [find_config(tmp_path), find_config(tmp_path, name="other")]


def test_a_new_name_makes_a_second_deployment_of_the_matching_config(tmp_path: Path) -> None:
    """`up --bento digits --name digits-2` keeps the settings of the Bento's config."""
    path = write(tmp_path, "a.yaml", bento="digits", more="spec: {timeout: 5}\n")
    found = find_config(tmp_path, bento="digits", name="digits-2")
    assert found is not None
    assert ("digits-2", 5, path) == (found.name, found.spec.timeout, found.path)


def test_a_config_for_another_bento_is_refused(tmp_path: Path) -> None:
    """The file and the tag were both given, and they contradict each other."""
    path = write(tmp_path, "a.yaml", bento="iris", name="iris")
    for chosen in ({"file": path}, {"name": "iris"}):
        with pytest.raises(BadInput) as refused:
            find_config(tmp_path, bento="digits:v1", **chosen)
        assert f"{path} is for the Bento iris, and digits:v1 is to be deployed." == refused.value.message


def test_another_version_than_the_configs_is_taken_where_the_file_is_named(tmp_path: Path) -> None:
    """The command line is the later word."""
    path = write(tmp_path, "a.yaml", bento="digits:v1")
    found = find_config(tmp_path, bento="digits:v2", file=path)
    assert found is not None
    assert path == found.path


@pytest.mark.parametrize("broken", ["bento: iris\nspec: {timeout: 30: 5}\n", "bento: iris\nspec: {timeout: no}\n"])
def test_a_broken_config_of_another_bento_blocks_nobody(tmp_path: Path, broken: str) -> None:
    """Neither one that is no YAML nor one with a wrong value."""
    path = write(tmp_path, "a.yaml", bento="digits")
    (path.parent / "broken.yaml").write_text(broken, encoding="utf-8")
    found = find_config(tmp_path, bento="digits:v1")
    assert found is not None
    assert (path, ()) == (found.path, found.notes)


def test_a_broken_config_is_named_where_defaults_are_taken(tmp_path: Path) -> None:
    """It may have been the one."""
    path = write(tmp_path, "broken.yaml")
    path.write_text("a: b: c\n", encoding="utf-8")
    found = find_config(tmp_path, bento="digits:v1")
    assert found is not None
    assert "deployment_configs/broken.yaml cannot be read and was passed over." == found.notes[-1]


def test_the_broken_config_of_this_bento_is_an_error(tmp_path: Path) -> None:
    """Deploying with defaults what has a config of its own would be worse than stopping."""
    path = write(tmp_path, "a.yaml", bento="digits")
    path.write_text('bento: "digits" # the example\nspec: {timeout: 30: 5}\n', encoding="utf-8")
    with pytest.raises(BadInput, match=r"a\.yaml is not valid YAML: line 2"):
        find_config(tmp_path, bento="digits:v1")


@pytest.mark.parametrize(
    ("bento", "name"),
    [
        ("digits_classifier", "digits_classifier"),
        ("iris-v2", "iris-v2"),
        ("iris.v2", "iris-v2"),
        ("a.b_.c", "a-b-c"),
        ("a__b", "a__b"),
    ],
)
def test_a_bentos_name_becomes_one_that_aws_takes(tmp_path: Path, bento: str, name: str) -> None:
    """BentoML takes dots; Lambda does not. What was changed is told."""
    found = find_config(tmp_path, bento=f"{bento}:v1")
    assert found is not None
    assert (name, name) == (found.name, deployment_name(bento))
    told = f"The deployment is named {name}, since AWS does not take {bento}." in found.notes
    assert told == (name != bento)


def test_a_bento_whose_name_cannot_be_made_fit_needs_a_name(tmp_path: Path) -> None:
    """A name is never cut: two Bentos could become one deployment."""
    with pytest.raises(BadInput) as refused:
        find_config(tmp_path, bento=f"{'x' * 60}:v1")
    assert refused.value.message.startswith("name: 60 characters are too many: the IAM role ")
    assert "Choose another with --name." == refused.value.hint


ENVIRONMENTS = "environments:\n  prod: {target: aws}\n  live: {name: numbers, bento: iris}\n"


def test_a_config_is_found_by_what_it_says_in_the_environment(tmp_path: Path) -> None:
    """By its name there and by its Bento there; the environment's own name is the deployment's."""
    path = write(tmp_path, "a.yaml", bento="digits", more=ENVIRONMENTS)
    write(tmp_path, "b.yaml", name="other")
    for chosen, environment, name in (
        ({"bento": "digits:v1"}, "prod", "digits-prod"),
        ({"name": "digits-prod"}, "prod", "digits-prod"),
        ({"name": "numbers"}, "live", "numbers"),
        ({"bento": "iris:v1"}, "live", "numbers"),
        ({"file": path}, "prod", "digits-prod"),
        ({"bento": "digits:v1", "name": "mine"}, "prod", "mine"),
    ):
        found = find_config(tmp_path, environment=environment, **chosen)
        assert found is not None, chosen
        assert (path, name, environment) == (found.path, found.name, found.environment)
    assert None is find_config(tmp_path, name="digits", environment="prod")


def test_the_config_that_is_meant_must_have_the_environment(tmp_path: Path) -> None:
    """Another one that has it is not taken instead."""
    write(tmp_path, "a.yaml", bento="digits", more=ENVIRONMENTS)
    with pytest.raises(BadInput, match=r"a\.yaml has no environment prd\. Did you mean prod\?"):
        find_config(tmp_path, bento="digits:v1", environment="prd")
    with pytest.raises(BadInput, match=r"a\.yaml has no environment prd"):
        only_config(tmp_path, "prd")


def test_defaults_have_no_environments(tmp_path: Path) -> None:
    """A file describes them."""
    with pytest.raises(BadInput) as refused:
        find_config(tmp_path, bento="digits:v1", environment="prod")
    assert "No config in deployment_configs names the Bento digits:v1, and --env says prod." == refused.value.message

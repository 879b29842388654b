"""The BentoML store as deployer reads it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from bento_samples import ROUTE, write_legacy, write_model, write_modern

from deployer.errors import BadInput, DeployerError
from deployer.models import Model, Route, Tag
from deployer.tools.bento_document import read_bento
from deployer.tools.bento_store import BentoStore


def test_a_modern_bento_is_read_with_its_services_models_and_its_schemas(tmp_path: Path) -> None:
    """BentoML 1.4 keeps models under services, the Python version under image and routes under schema."""
    weights = write_model(tmp_path, "digits_model:m1")
    folder = write_modern(tmp_path, "digits:v1", models=["digits_model:m1"])

    bento = BentoStore(tmp_path).get("digits:v1")

    assert (bento.tag, bento.path, bento.python_version) == (Tag("digits", "v1"), folder, "3.11")
    assert (bento.bentoml_version, bento.service) == ("1.4.39", "service:Digits")
    assert bento.models == (Model(Tag("digits_model", "m1"), weights),)
    assert bento.routes == (Route("predict", "/predict", ROUTE["input"], ROUTE["output"]),)


def test_a_route_says_whether_it_has_a_task_queue(tmp_path: Path) -> None:
    """BentoML 1.3 on writes `is_task`, 1.2 nothing; the path holds the service's prefix already."""
    routes = [ROUTE, {**ROUTE, "is_task": False}, {**ROUTE, "route": "/v1/train", "is_task": True}]
    write_modern(tmp_path, "digits:v1", schema={"name": "Digits", "type": "service", "routes": routes})

    assert [(route.path, route.is_task) for route in BentoStore(tmp_path).get("digits:v1").routes] == [
        ("/predict", False),
        ("/predict", False),
        ("/v1/train", True),
    ]


def test_a_legacy_bento_is_read_with_its_top_level_models_and_plain_routes(tmp_path: Path) -> None:
    """BentoML 1.0 keeps models at the top, no schemas, and the Python asked for apart from the one that built it."""
    write_model(tmp_path, "m:1")
    write_legacy(tmp_path, "old:v1", models=["m:1"])

    bento = BentoStore(tmp_path).get("old:v1")

    assert (bento.python_version, bento.bentoml_version) == ("3.10", "1.0.25")
    assert [model.tag for model in bento.models] == [Tag("m", "1")]
    assert bento.routes == (Route("predict", "/predict"),)


def test_a_legacy_route_of_another_path_comes_from_the_openapi_file(tmp_path: Path) -> None:
    """`@svc.api(route="v2/classify")` is written nowhere but in apis/openapi.yaml."""
    folder = write_legacy(tmp_path, "old:v1")
    (folder / "apis").mkdir()
    operation = {"post": {"operationId": "old__predict"}}
    (folder / "apis" / "openapi.yaml").write_text(yaml.safe_dump({"paths": {"/v2/classify": operation}}))

    assert BentoStore(tmp_path).get("old:v1").routes == (Route("predict", "/v2/classify"),)


@pytest.mark.parametrize("tag", ["digits:latest", "digits", "DIGITS:Latest"])
def test_latest_is_what_the_file_latest_names(tmp_path: Path, tag: str) -> None:
    """`name:latest` and `name` follow the store's own pointer, which need not name the newest; case does not matter."""
    write_modern(tmp_path, "digits:v1")
    write_modern(tmp_path, "digits:v2", creation_time="2027-01-01T00:00:00.000000+00:00")
    (tmp_path / "bentos" / "digits" / "latest").write_text("v1\n")

    assert BentoStore(tmp_path).get(tag).tag == Tag("digits", "v1")


@pytest.mark.parametrize("pointer", [None, "deleted"])
def test_latest_is_the_newest_when_the_pointer_is_missing_or_stale(tmp_path: Path, pointer: str | None) -> None:
    """Without a right pointer the creation time decides, and the store is not repaired: it is never written."""
    write_modern(tmp_path, "digits:b-old")
    write_modern(tmp_path, "digits:a-new", creation_time="2027-01-01T00:00:00.000000+00:00")
    file = tmp_path / "bentos" / "digits" / "latest"
    if pointer:
        file.write_text(pointer)
    before = sorted(path.name for path in file.parent.iterdir())

    assert BentoStore(tmp_path).get("digits").tag == Tag("digits", "a-new")
    assert sorted(path.name for path in file.parent.iterdir()) == before


def test_a_version_may_be_shortened_to_a_beginning_that_only_one_has(tmp_path: Path) -> None:
    """As in BentoML: `digits:ab` finds `abc`; two candidates are none; a whole version wins over a longer one."""
    for version in ("abc", "abd", "xyz", "xyz1"):
        write_modern(tmp_path, f"digits:{version}")
    store = BentoStore(tmp_path)

    assert store.get("digits:abc").tag.version == "abc"
    assert store.get("digits:xyz").tag.version == "xyz"
    with pytest.raises(BadInput, match="no Bento digits:ab "):
        store.get("digits:ab")


def test_an_unknown_tag_names_what_exists_and_what_was_probably_meant(tmp_path: Path) -> None:
    """The message lists the store's Bentos and suggests the nearest; exit code 2."""
    write_modern(tmp_path, "digits_classifier:v1")
    write_modern(tmp_path, "iris:v1")

    with pytest.raises(BadInput) as caught:
        BentoStore(tmp_path).get("digit_classifier:v1")

    assert caught.value.message == f"There is no Bento digit_classifier:v1 in {tmp_path}."
    assert caught.value.hint == "Did you mean digits_classifier:v1? There are: digits_classifier:v1, iris:v1."


def test_the_list_of_what_exists_is_bounded(tmp_path: Path) -> None:
    """A store of many Bentos does not fill the screen."""
    for number in range(25):
        (tmp_path / "bentos" / "iris" / f"v{number:02}").mkdir(parents=True)
        (tmp_path / "bentos" / "iris" / f"v{number:02}" / "bento.yaml").touch()

    with pytest.raises(BadInput) as caught:
        BentoStore(tmp_path).get("other:v1")

    assert "iris:v19 and 5 more." in caught.value.hint
    assert "iris:v20" not in caught.value.hint


def test_an_empty_or_missing_store_says_so(tmp_path: Path) -> None:
    """No folder at all is an empty store, not a traceback."""
    store = BentoStore(tmp_path / "nowhere")

    assert store.list() == ()
    with pytest.raises(BadInput) as caught:
        store.get("digits")
    assert f"The BentoML store {tmp_path / 'nowhere'} is empty" in caught.value.hint


@pytest.mark.parametrize("tag", ["../etc:v1", "digits:../../x", "", ":", "digits:", "a b", "a:b:c", "/etc", "x" * 64])
def test_what_is_no_tag_is_refused_before_any_file_is_looked_at(tmp_path: Path, tag: str) -> None:
    """Path tricks and malformed tags are bad input."""
    with pytest.raises(BadInput, match="is not a Bento tag"):
        BentoStore(tmp_path).get(tag)


def test_a_folder_without_a_description_is_no_bento(tmp_path: Path) -> None:
    """As when `deployer image build` is given another folder."""
    with pytest.raises(DeployerError, match=f"{tmp_path} is not a Bento"):
        read_bento(tmp_path, models=None)


def test_a_bento_that_is_still_being_written_is_not_listed(tmp_path: Path) -> None:
    """BentoML makes the folder first and bento.yaml last."""
    write_modern(tmp_path, "digits:v1")
    (tmp_path / "bentos" / "digits" / "v2" / "src").mkdir(parents=True)

    assert BentoStore(tmp_path).list() == (Tag("digits", "v1"),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "half-written"),
        ("- a\n", "half-written"),
        ("name: [", "cannot be read"),
        ("name: digits\n", "has no `version`"),
    ],
)
def test_a_damaged_description_names_the_file_and_the_cause(tmp_path: Path, text: str, message: str) -> None:
    """Neither an empty nor a malformed nor an incomplete bento.yaml shows a traceback."""
    folder = write_modern(tmp_path, "digits:v1")
    (folder / "bento.yaml").write_text(text)

    with pytest.raises(DeployerError, match=message) as caught:
        BentoStore(tmp_path).get("digits:v1")
    assert str(folder / "bento.yaml") in caught.value.message


def test_a_description_that_is_not_text_is_a_clear_error(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 are named like any other damage."""
    folder = write_modern(tmp_path, "digits:v1")
    (folder / "bento.yaml").write_bytes(b"name: \xff\xfe")

    with pytest.raises(DeployerError, match="cannot be read"):
        BentoStore(tmp_path).get("digits:v1")


def test_the_environment_of_old_and_new_bentos(tmp_path: Path) -> None:
    """`docker.env` and `envs` are both read; a variable without a value is the deployment's to give."""
    envs = [{"name": "B", "value": "2"}, {"name": "LATER"}]
    write_modern(tmp_path, "digits:v1", docker={"env": {"A": 1}}, envs=envs)
    write_modern(tmp_path, "digits:v2", docker={"env": ["A=1=1"]})
    store = BentoStore(tmp_path)
    assert store.get("digits:v1").environment == {"A": "1", "B": "2"}
    assert store.get("digits:v2").environment == {"A": "1=1"}


def test_a_variable_without_a_value_is_the_deployments_to_give(tmp_path: Path) -> None:
    """BentoML 1.4 writes an empty value for a name alone."""
    write_modern(tmp_path, "digits:v1", envs=[{"name": "TOKEN", "value": ""}, {"name": "A", "value": "1"}])
    assert BentoStore(tmp_path).get("digits:v1").unset == ("TOKEN",)


def test_the_sources_of_packages_that_older_bentos_keep_in_their_description(tmp_path: Path) -> None:
    """Their requirements file does not name them; a script beside it does."""
    python = {
        "index_url": "https://a.example/simple",
        "extra_index_url": ["https://b.example/simple"],
        "find_links": ["https://c.example/wheels"],
        "pip_args": "--pre --trusted-host b.example",
    }
    write_legacy(tmp_path, "digits:v1", python=python)
    write_legacy(tmp_path, "digits:v2", python={**python, "no_index": True, "pip_args": None})
    sources = ("--extra-index-url https://b.example/simple", "--find-links https://c.example/wheels")
    pip = ("--pre", "--trusted-host b.example")
    assert BentoStore(tmp_path).get("digits:v1").pip_options == ("--index-url https://a.example/simple", *sources, *pip)
    assert BentoStore(tmp_path).get("digits:v2").pip_options == ("--no-index", *sources)


def test_where_paths_in_the_requirements_lead(tmp_path: Path) -> None:
    """BentoML 1.4 runs pip in the folder of the service, the others beside the requirements file."""
    write_modern(tmp_path, "digits:v1")
    write_legacy(tmp_path, "digits:v2")
    bentos = [BentoStore(tmp_path).get(tag) for tag in ("digits:v1", "digits:v2")]
    homes = [bento.requirements_home.relative_to(bento.path) for bento in bentos]
    assert homes == [Path("src"), Path("env/python")]


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({"image": {"python_version": "3.12"}}, "3.12"),
        ({"image": {}, "python": {"version": "3.10.4"}}, "3.10"),
        ({"image": None, "docker": {"python_version": "3.9"}, "python": {"version": "3.10.4"}}, "3.9"),
    ],
)
def test_the_python_version_is_found_wherever_bentoml_put_it(
    tmp_path: Path, stated: dict[str, object], expected: str
) -> None:
    """Each BentoML line states it in another place; only the minor version counts."""
    write_modern(tmp_path, "digits:v1", **stated)

    assert BentoStore(tmp_path).get("digits:v1").python_version == expected


def test_a_bento_without_any_python_version_is_refused(tmp_path: Path) -> None:
    """An image cannot be built for an unknown interpreter."""
    write_modern(tmp_path, "digits:v1", image={})

    with pytest.raises(DeployerError, match="does not say which Python"):
        BentoStore(tmp_path).get("digits:v1")


def test_a_missing_model_is_named_with_where_it_was_looked_for(tmp_path: Path) -> None:
    """A Bento whose model was deleted cannot become an image."""
    write_modern(tmp_path, "digits:v1", models=["gone:m1"])

    with pytest.raises(DeployerError, match="needs the model gone:m1") as caught:
        BentoStore(tmp_path).get("digits:v1")
    assert str(tmp_path / "models") in caught.value.message


def test_a_model_of_another_registry_is_refused_by_name(tmp_path: Path) -> None:
    """Hugging Face models lie outside the store."""
    services = [{"name": "S", "models": [{"tag": "org/model:abc", "registry": "huggingface"}]}]
    folder = write_modern(tmp_path, "digits:v2", services=services)

    with pytest.raises(DeployerError, match="org/model of the registry huggingface"):
        read_bento(folder, models=tmp_path / "models")


def test_a_model_tag_cannot_point_out_of_the_store(tmp_path: Path) -> None:
    """A crafted bento.yaml reaches no folder of this machine."""
    (tmp_path / "secret" / "1").mkdir(parents=True)
    (tmp_path / "models").mkdir()
    write_modern(tmp_path, "digits:v1", models=["../secret:1"])

    with pytest.raises(DeployerError, match="needs the model"):
        BentoStore(tmp_path).get("digits:v1")


def test_a_description_with_a_path_for_a_name_is_refused(tmp_path: Path) -> None:
    """The name and the version become folders of the build."""
    write_modern(tmp_path, "digits:v1", name="../../x")

    with pytest.raises(DeployerError, match=r"has the name '\.\./\.\./x'"):
        BentoStore(tmp_path).get("digits:v1")


def test_a_model_folder_may_lie_on_another_disk(tmp_path: Path) -> None:
    """A link in the store itself is the user's own arrangement."""
    weights = write_model(tmp_path / "disk", "m:1")
    write_modern(tmp_path, "digits:v1", models=["m:1"])
    (tmp_path / "models" / "m").mkdir(parents=True)
    (tmp_path / "models" / "m" / "1").symlink_to(weights)

    assert [model.tag for model in BentoStore(tmp_path).get("digits:v1").models] == [Tag("m", "1")]


def test_baked_models_win_over_the_stores(tmp_path: Path) -> None:
    """A folder with its models inside needs no store: that is what an image is built from."""
    folder = write_modern(tmp_path, "digits:v1", models=["m:1"])
    write_model(tmp_path, "m:1")
    baked = write_model(folder, "m:1")

    assert read_bento(folder, models=None).models == (Model(Tag("m", "1"), baked),)
    assert BentoStore(tmp_path).get("digits:v1").models == (Model(Tag("m", "1"), baked),)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"BENTOML_HOME": "/stores/one", "HOME": "/home/me"}, "/stores/one"),
        ({"HOME": "/home/me"}, "/home/me/bentoml"),
        ({"BENTOML_HOME": "", "HOME": "/home/me"}, "/home/me/bentoml"),
        ({"BENTOML_HOME": "store"}, os.path.abspath("store")),  # noqa: PTH100, what BentoML makes of it
    ],
)
def test_the_store_is_where_bentoml_has_it(variables: dict[str, str], expected: str) -> None:
    """BENTOML_HOME, else `bentoml` in the home folder."""
    assert str(BentoStore.of(variables).home) == expected

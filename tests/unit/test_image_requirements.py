"""What a Bento's requirement file means for an image without Docker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from stand_in_runner import Answer, Asked, StandInRunner

from deployer.errors import DeployerError
from deployer.image import requirements
from deployer.image.package_index import PackageIndex, pip_settings
from deployer.image.requirements import Requirements, package_name, parse
from deployer.image.uv import Platform, Uv
from deployer.models import Bento, Tag

BENTOML_1_4 = """--index-url https://index.example/simple

# a comment
bentoml==1.4.39
numpy==2.4.6 ; python_version > "3.9" \\
    --hash=sha256:aa
pandas[excel]==3.1.1  # another
"""


def test_a_list_of_bentoml_1_4_is_taken_as_it_is() -> None:
    """Options and comments go, continued lines are joined, nothing is added to what is pinned."""
    expected = (
        "bentoml==1.4.39",
        'numpy==2.4.6 ; python_version > "3.9"      --hash=sha256:aa',
        "pandas[excel]==3.1.1",
    )
    found = parse(BENTOML_1_4, bentoml_version="1.4.39")
    assert found == Requirements(expected, index_url="https://index.example/simple")


@pytest.mark.parametrize(
    ("version", "constraints"),
    [
        ("1.0.25", ("setuptools<82", "cattrs==23.1.2")),
        ("1.1.11", ("setuptools<82",)),
        ("1.2.20", ("setuptools<82", "pydantic<2.9")),
        ("1.3.22", ("setuptools<82",)),
        ("1.4.19", ("setuptools<82",)),
        ("1.4.20", ()),
    ],
)
def test_an_unlocked_list_gets_bentoml_and_what_that_version_needs(version: str, constraints: tuple[str, ...]) -> None:
    """BentoML 1.0-1.3 leave themselves out, and break with newer releases of some packages."""
    found = parse("scikit-learn\npandas>=2\n", bentoml_version=version)
    assert found.lines == ("scikit-learn", "pandas>=2", f"bentoml=={version}")
    assert found.constraints == constraints


def test_what_the_bento_pins_itself_is_not_constrained() -> None:
    """A pin of the user's wins over ours, or the resolver could only fail."""
    found = parse("Pydantic==2.10\nsetuptools==82.0\nbentoml[grpc]>=1.2\n", bentoml_version="1.2.20")
    assert found.constraints == ("bentoml==1.2.20",)


def test_wheels_inside_the_bento_are_installed_once() -> None:
    """A wheel that the list names already is not added again."""
    wheels = ["mine-1.0-py3-none-any.whl", "other-2.0-py3-none-any.whl"]
    found = parse("./wheels/mine-1.0-py3-none-any.whl\nbentoml==1.4.39\n", bentoml_version="1.4.39", wheels=wheels)
    assert found.lines == (
        "./wheels/mine-1.0-py3-none-any.whl",
        "bentoml==1.4.39",
        "./wheels/other-2.0-py3-none-any.whl",
    )


def test_the_lock_is_read_when_there_is_one(tmp_path: Path) -> None:
    """`requirements.lock.txt` comes before `requirements.txt`."""
    home = tmp_path / "env" / "python"
    home.mkdir(parents=True)
    bento = Bento(Tag("digits", "v1"), tmp_path, "3.11", "1.4.39", "service:Digits")
    (home / "requirements.txt").write_text("numpy\n", "utf-8")
    assert requirements.read(bento).lines == ("numpy", "bentoml==1.4.39")
    (home / "requirements.lock.txt").write_text("numpy==2.4.6\n", "utf-8")
    assert requirements.read(bento).lines == ("numpy==2.4.6", "bentoml==1.4.39")


def test_the_options_that_the_bento_keeps_elsewhere_apply_too(tmp_path: Path) -> None:
    """BentoML 1.0 to 1.3 name indexes in bento.yaml, and one that is not for an image of wheels is refused."""
    options = ("--extra-index-url https://b.example/simple", "--find-links https://c.example/wheels")
    bento = Bento(Tag("digits", "v1"), tmp_path, "3.11", "1.3.22", "service:svc", pip_options=options)
    found = requirements.read(bento)
    assert found.extra_index_urls == ("https://b.example/simple",)
    assert found.find_links == ("https://c.example/wheels",)
    with pytest.raises(DeployerError, match="--user"):
        requirements.read(replace(bento, pip_options=("--user",)))


@pytest.mark.parametrize("line", ["-e .", "-r more.txt", "git+https://host/x.git", "x @ git+ssh://host/x.git", "--wat"])
def test_a_line_that_cannot_be_honoured_is_named(line: str) -> None:
    """The line itself is in the message, the way out in the hint."""
    with pytest.raises(DeployerError) as caught:
        parse(f"numpy\n{line}\n", bentoml_version="1.4.39")
    assert f"`{line}`" in caught.value.message
    assert "wheel" in caught.value.hint


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("Scikit_Learn[a,b]>=1", "scikit-learn"),
        ("./wheels/scikit_learn-1.0-py3-none-any.whl", "scikit-learn"),
        ("x", "x"),
    ],
)
def test_package_names_are_compared_as_the_index_does(line: str, name: str) -> None:
    """Case and separators do not matter."""
    assert package_name(line) == name


DEFAULT = "https://default.example/simple"
PRIVATE = Requirements(("x",), index_url="https://user:secret@private.example/simple")


def telling_uv(asked: Asked) -> Answer:
    """uv tells its own default index, or the one that its environment names."""
    index = asked.env.get("UV_DEFAULT_INDEX") or asked.env.get("UV_INDEX_URL") or DEFAULT
    return 0, f"--index-url {index}\n\n"


def index_of(variables: Mapping[str, str], said: list[str]) -> PackageIndex:
    return PackageIndex(Path("uv"), StandInRunner(program=telling_uv), variables, said.append)


def sources(wanted: Requirements, variables: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """uv's variables for these sources, the user's own left out, and what the user was told."""
    said: list[str] = []
    found = index_of(variables, said).environment(wanted, cwd=Path("/"))
    users = {**variables, **pip_settings(variables), "UV_PYTHON_DOWNLOADS": "never"}
    return dict(found.items() - users.items()), said


@pytest.mark.parametrize("name", ["UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"])
def test_the_users_mirror_wins_over_the_bentos_index(name: str) -> None:
    """Whichever variable names it; the user is told, without the password."""
    found = sources(PRIVATE, {name: "https://mine.example/simple"})
    assert found == ({}, ["package index private.example of the Bento: your own is used instead"])


def test_the_bentos_index_holds_where_the_user_has_none() -> None:
    """A private index in the Bento is a choice, and said."""
    found = sources(PRIVATE, {})
    assert found == ({"UV_DEFAULT_INDEX": PRIVATE.index_url}, ["package index private.example of the Bento: used"])


def test_the_index_that_bentoml_writes_into_every_bento_is_no_choice() -> None:
    """uv's own default is neither handed on nor worth a word."""
    assert sources(Requirements(("x",), index_url=f"{DEFAULT}/"), {}) == ({}, [])


def test_extra_indexes_and_links_of_the_bento_are_used() -> None:
    """As pip does, the best version of all indexes is taken."""
    wanted = Requirements(("x",), extra_index_urls=("https://extra.example",), find_links=("https://links.example",))
    found, said = sources(wanted, {})
    assert found == {"UV_INDEX": "https://extra.example", "UV_FIND_LINKS": "https://links.example"}
    assert said == ["extra package index extra.example of the Bento: used"]
    assert index_of({}, []).options(wanted) == ["--index-strategy", "unsafe-best-match"]


def test_the_bentos_sources_are_added_to_the_users() -> None:
    """As options they would take the place of the user's variables."""
    wanted = Requirements(("x",), extra_index_urls=("https://b",), find_links=("/b",), trusted_hosts=("b",))
    found, _ = sources(wanted, {"PIP_EXTRA_INDEX_URL": "https://a", "UV_FIND_LINKS": "/a", "UV_INSECURE_HOST": "a"})
    assert found == {"UV_INDEX": "https://a https://b", "UV_FIND_LINKS": "/a,/b", "UV_INSECURE_HOST": "a b"}


def test_no_index_and_trusted_hosts_of_the_bento_are_honoured() -> None:
    """A package that the Bento wants from its own folder alone never comes from the public index."""
    wanted = parse("--no-index\n--find-links ./mine\n--trusted-host own.example\nx==1\n", bentoml_version="1.4.39")
    assert (wanted.no_index, wanted.trusted_hosts) == (True, ("own.example",))
    assert index_of({}, []).options(wanted) == ["--no-index"]


def test_a_password_in_an_index_address_is_in_no_log(tmp_path: Path) -> None:
    """The log has the command line, so no address is on it."""
    runner = StandInRunner(program=telling_uv)
    uv = Uv(Path("uv"), runner, PackageIndex(Path("uv"), runner, {}, lambda line: None))
    wanted = Requirements(("x",), index_url="https://u:secret@a/s", extra_index_urls=("https://u:secret@b/s",))
    uv.install(tmp_path / "x.txt", tmp_path, wanted=wanted, platform=Platform("3.11", "x86_64"), cwd=tmp_path)
    assert "secret" in runner.asked[-1].env["UV_INDEX"]
    assert not [asked.argv for asked in runner.asked if "secret" in " ".join(asked.argv)]


def test_another_index_asks_for_another_resolution() -> None:
    """What was chosen from one index is not taken for another; a renewed login alone changes nothing."""
    one, renewed, other = ("https://u:a@one/s", "https://u:b@one/s", "https://u:a@other/s")
    keys = [index_of({"PIP_INDEX_URL": url}, []).identity() for url in (one, renewed, other)]
    assert keys[0] == keys[1]
    assert keys[0] != keys[2]
    assert "u:" not in keys[0]


def test_pips_settings_stand_in_where_uv_has_none() -> None:
    """Each of pip's variables is handed on under uv's name, unless uv has its own."""
    pip = {
        "PIP_INDEX_URL": "https://a",
        "PIP_EXTRA_INDEX_URL": "https://b",
        "PIP_FIND_LINKS": "/c /d",
        "PIP_CERT": "/e",
    }
    expected = {
        "UV_DEFAULT_INDEX": "https://a",
        "UV_INDEX": "https://b",
        "UV_FIND_LINKS": "/c,/d",
        "SSL_CERT_FILE": "/e",
    }
    assert pip_settings(pip) == expected
    assert pip_settings({**pip, **dict.fromkeys([*expected], "mine")}) == {}

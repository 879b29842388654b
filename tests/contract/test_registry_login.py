"""Which login a registry gets: Docker's configuration, its credential helpers, and AWS's credentials for ECR."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from moto_server import moto_server

from deployer.errors import DeployerError
from deployer.tools.registry_login import docker_login, login_for

HOST = "registry.example:5000"
ECR_HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"


@pytest.fixture
def home(tmp_path: Path) -> Mapping[str, str]:
    """The variables of a user whose Docker configuration is still to be written."""
    (tmp_path / ".docker").mkdir()
    return {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}


@pytest.fixture(scope="module")
def aws() -> Iterator[Mapping[str, str]]:
    """A shell with credentials for an AWS that answers."""
    with moto_server() as url:
        yield {"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}


def configure(home: Mapping[str, str], document: object) -> Path:
    path = Path(home["HOME"], ".docker", "config.json")
    path.write_text(document if isinstance(document, str) else json.dumps(document), "utf-8")
    return path


def entry(user: str, password: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def add_helper(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """The program docker-credential-test on the PATH."""
    folder.mkdir()
    program = folder / "docker-credential-test"
    program.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_the_login_of_docker_login_is_found(home: Mapping[str, str]) -> None:
    """By host and port, a password with a colon in it too; other hosts get nothing."""
    configure(home, {"auths": {HOST: entry("me", "a:b"), "https://other.example/v1/": entry("you", "c")}})
    assert docker_login(HOST, home)() == ("me", "a:b")
    assert docker_login("other.example", home)() == ("you", "c")
    assert docker_login("registry.example", home)() is None


@pytest.mark.parametrize("host", ["docker.io", "registry-1.docker.io"])
def test_docker_hub_has_its_own_name_in_the_file(home: Mapping[str, str], host: str) -> None:
    """`docker login` without a host writes https://index.docker.io/v1/."""
    configure(home, {"auths": {"https://index.docker.io/v1/": entry("me", "p")}})
    assert docker_login(host, home)() == ("me", "p")


def test_docker_config_names_another_folder(home: Mapping[str, str], tmp_path: Path) -> None:
    """As for Docker itself."""
    configure(home, {"auths": {HOST: entry("home", "p")}})
    (tmp_path / "config.json").write_text(json.dumps({"auths": {HOST: entry("folder", "p")}}), "utf-8")
    assert docker_login(HOST, {**home, "DOCKER_CONFIG": str(tmp_path)})() == ("folder", "p")


@pytest.mark.parametrize("document", [None, {}, {"auths": {}}, {"auths": {HOST: {}}}, {"HttpHeaders": {"a": "b"}}])
def test_without_an_entry_there_is_no_login(
    home: Mapping[str, str], document: object, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No file, or one that knows nothing of this host. This process's own configuration is not looked at."""
    (tmp_path / "config.json").write_text(json.dumps({"auths": {HOST: entry("wrong", "p")}}), "utf-8")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    if document is not None:
        configure(home, document)
    assert docker_login(HOST, home)() is None


def test_an_identity_token_comes_under_dockers_name_for_it(home: Mapping[str, str]) -> None:
    """Azure's `az acr login` leaves one."""
    configure(home, {"auths": {HOST: {"identitytoken": "long"}}})
    assert docker_login(HOST, home)() == ("<token>", "long")


@pytest.mark.parametrize(
    "document",
    ["{", "[]", '{"auths": {"registry.example:5000": {"auth": "c2VjcmV0"}}}', '{"auths": {"a": "b"}}'],
)
def test_a_broken_file_is_named_and_its_secrets_are_not(home: Mapping[str, str], document: str) -> None:
    """One sentence with the path; nothing of what is inside."""
    path = configure(home, document)
    with pytest.raises(DeployerError) as caught:
        docker_login(HOST, home)()
    assert str(path) in caught.value.message
    assert "c2Vj" not in str(caught.value) + caught.value.hint
    assert "secret" not in str(caught.value) + caught.value.hint


def test_a_credential_helper_is_asked(home: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The helper for this host wins over the file; it gets the host and the user's variables."""
    add_helper(tmp_path / "bin", monkeypatch, 'read host; echo "{\\"Username\\":\\"$NAME\\",\\"Secret\\":\\"$host\\"}"')
    configure(home, {"auths": {HOST: entry("file", "p")}, "credHelpers": {HOST: "test"}})
    assert docker_login(HOST, {**home, "NAME": "helper"})() == ("helper", HOST)


def test_a_credential_store_without_an_entry_is_no_login(
    home: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Docker's helpers say so in these words, and the registry is asked anonymously."""
    add_helper(tmp_path / "bin", monkeypatch, "echo credentials not found in native keychain; exit 1")
    configure(home, {"credsStore": "test"})
    assert docker_login(HOST, home)() is None


@pytest.mark.parametrize("script", ["echo s3cret; exit 1", "echo s3cret", "echo '{}'", None])
def test_a_helper_that_fails_is_named_and_its_words_are_not(
    home: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None
) -> None:
    """It fails, it prints nonsense, it is not installed: one error that says how to see why."""
    if script is not None:
        add_helper(tmp_path / "bin", monkeypatch, script)
    configure(home, {"credsStore": "test"})
    with pytest.raises(DeployerError, match="docker-credential-test") as caught:
        docker_login(HOST, home)()
    assert HOST in caught.value.hint
    assert "s3cret" not in str(caught.value) + caught.value.hint


def test_ecr_takes_dockers_login_first_and_then_awss(home: Mapping[str, str], aws: Mapping[str, str]) -> None:
    """`docker login` lasts twelve hours and stays in the file: asked again, AWS gives a new one."""
    configure(home, {"auths": {ECR_HOST: entry("AWS", "old")}})
    login = login_for(ECR_HOST, {**home, **aws})
    assert login() == ("AWS", "old")
    assert login() == ("AWS", "123456789012-auth-token")


@pytest.mark.parametrize("document", ["{}", "{", '{"credsStore": "missing"}'])
def test_ecr_needs_no_docker_configuration(home: Mapping[str, str], aws: Mapping[str, str], document: str) -> None:
    """AWS's credentials do; a configuration that cannot be used stops nothing."""
    configure(home, document)
    assert login_for(ECR_HOST, {**home, **aws})() == ("AWS", "123456789012-auth-token")


def test_an_address_that_stands_for_a_host_gets_not_the_hosts_login(home: Mapping[str, str]) -> None:
    """`--registry-url` sends the image elsewhere, and a password for one host stays with it."""
    configure(home, {"auths": {"registry.example": entry("me", "p"), "127.0.0.1:9": entry("local", "p")}})
    assert login_for("registry.example", home, registry_url="http://127.0.0.1:9")() == ("local", "p")
    assert login_for("registry.example", home)() == ("me", "p")

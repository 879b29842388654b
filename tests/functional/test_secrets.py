"""Secrets by reference: planted in the local AWS, found by the function, and then looked for everywhere else."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import secrets
import shutil
import sys
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from laptop import Laptop

HERE = Path(__file__).parent
PARAMETER = "/keeper/password"
LARGEST_PACKED = 20_000_000  # bytes of a compressed file that is looked into: layers of packages are larger
BUILD_VALUE = "what bentoml build has on this laptop"


@dataclass
class Planted:
    """The secrets, and every text that any command has printed since."""

    parameter: str = field(default_factory=lambda: f"parameter-{secrets.token_urlsafe(24)}")
    member: str = field(default_factory=lambda: f'member "{secrets.token_urlsafe(24)}" of\nlines')
    printed: list[str] = field(default_factory=list)

    @property
    def forms(self) -> list[bytes]:
        """As they are, and without what JSON or a shell writes otherwise."""
        core = self.member.split('"')[1]
        return [text.encode() for text in (self.parameter, core)]

    def shown_in(self, text: str | bytes) -> bool:
        content = text.encode() if isinstance(text, str) else text
        return any(form in content for form in self.forms)


@pytest.fixture(scope="module")
def planted(laptop: Laptop) -> Planted:
    """Two secrets in the local AWS: a parameter, and a member of a JSON secret."""
    laptop.deployer("local", "start")
    made = Planted()
    aws(laptop, "ssm").put_parameter(Name=PARAMETER, Value=made.parameter, Type="SecureString")
    api = json.dumps({"key": made.member, "other": "x"})
    aws(laptop, "secretsmanager").create_secret(Name="keeper/api", SecretString=api)
    return made


@pytest.fixture(scope="module")
def up(laptop: Laptop, planted: Planted) -> Iterator[str]:
    """The deployment's function, with the laptop's own value of a variable in the shell that builds it."""
    shutil.copytree(HERE / "secret_service", laptop.folder / "secret_service")
    document = {
        "api_version": "v1",
        "name": "keeper",
        "operator": {"name": "aws-lambda"},
        "template": "terraform",
        "secrets": {"KEEPER_PASSWORD": f"ssm:{PARAMETER}", "API_KEY": "secretsmanager:keeper/api#key"},
    }
    config = laptop.folder / "keeper.yaml"
    config.write_text(yaml.safe_dump(document), encoding="utf-8")
    builder = replace(laptop, variables={**laptop.variables, "KEEPER_PASSWORD": BUILD_VALUE})
    project = str(laptop.folder / "secret_service")
    say(planted, builder, "up", "--build", project, "--python", sys.executable, "-f", str(config))
    yield "keeper"
    say(planted, laptop, "down", "--name", "keeper")
    assert not any(map(planted.shown_in, planted.printed))


def say(planted: Planted, laptop: Laptop, *arguments: str, code: int = 0) -> str:
    ended = laptop.deployer(*arguments, code=code)
    planted.printed += [ended.stdout, ended.stderr]
    return ended.stdout + ended.stderr


def aws(laptop: Laptop, service: str) -> Any:
    """boto3's client of the local AWS."""
    user, _, password = laptop.deployer("local", "credentials").stdout.strip().partition(":")
    endpoint = laptop.deployer_json("local", "status")["endpoint"]
    keys = {"aws_access_key_id": user, "aws_secret_access_key": password}
    return boto3.client(service, "us-east-1", endpoint_url=endpoint, **keys)


def invoke(laptop: Laptop, function: str, route: str, body: Any) -> Any:
    payload = json.dumps({"route": route, "body": body}).encode()
    answer = aws(laptop, "lambda").invoke(FunctionName=function, Qualifier="live", Payload=payload)
    return json.loads(answer["Payload"].read())


def test_the_function_has_its_secrets(laptop: Laptop, planted: Planted, up: str) -> None:
    """When it is imported and afterwards: those of AWS, and not what the building shell had."""
    found = invoke(laptop, up, "/hashes", {"names": ["KEEPER_PASSWORD", "API_KEY"]})
    expected = {"KEEPER_PASSWORD": planted.parameter, "at import": planted.parameter, "API_KEY": planted.member}
    assert found == {name: hashlib.sha256(value.encode()).hexdigest() for name, value in expected.items()}


def test_the_image_was_imported_with_placeholders(laptop: Laptop, up: str) -> None:
    """The service reads its secret then, and the image holds neither reference nor value."""
    logs = [path.read_text("utf-8", "replace") for path in (laptop.folder / ".deployer/keeper").rglob("*.log")]
    assert any("import check: ok" in text for text in logs)


def test_commands_say_references_and_no_value(laptop: Laptop, planted: Planted, up: str) -> None:
    """People and programs read them, and logs of CI keep them."""
    config = ("-f", str(laptop.folder / "keeper.yaml"))
    invoke(laptop, up, "/fails", {})
    for arguments in (
        ("up", "--bento", "keeper:latest", *config, "--output", "json"),
        ("plan", "--bento", "keeper:latest", *config, "--output", "json"),
        ("history", "--name", up, "--output", "json"),
        ("smoke-test", "--name", up, "--output", "json"),
        ("drift", "--name", up),
        ("invoke", "/hashes", "--data", '{"names": []}', "--name", up, "--output", "json"),
        ("local", "logs"),
    ):
        shown = say(planted, laptop, *arguments)
        assert not planted.shown_in(shown), arguments


def test_no_file_of_the_laptop_holds_a_value(laptop: Laptop, planted: Planted, up: str) -> None:
    """The workspace with state, plan, values and logs, and deployer's own folders. The references are found there."""
    places = [laptop.folder, *(Path(os.environ[f"XDG_{kind}_HOME"]) for kind in ("STATE", "CACHE", "CONFIG", "DATA"))]
    reference = f"ssm:{PARAMETER}".encode()
    with_reference = set()
    for path, content in contents(places):
        assert not planted.shown_in(content), path
        if reference in content:
            with_reference.add(path.name)
    assert {"terraform.tfstate", "keeper.yaml"} <= with_reference
    assert any(name in with_reference for name in ("terraform.tfvars.json", "plan", "tfplan"))


def test_the_search_finds_what_is_there(planted: Planted, tmp_path: Path) -> None:
    """Or the tests beside this one would prove nothing: plainly, in a plan's archive, in a layer, in JSON."""
    (tmp_path / "plain").write_text(f"x={planted.parameter}")
    with zipfile.ZipFile(tmp_path / "plan", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("tfplan", f"{planted.parameter} " * 3)
    (tmp_path / "layer").write_bytes(gzip.compress(f"{planted.parameter} ".encode() * 3))
    (tmp_path / "state.json").write_text(json.dumps({"value": planted.member}))
    (tmp_path / "clean").write_text("nothing")
    found = {path.name for path, content in contents([tmp_path]) if planted.shown_in(content)}
    assert found == {"plain", "plan", "layer", "state.json"}


def test_terraform_knows_no_value(laptop: Laptop, planted: Planted, up: str) -> None:
    """Whoever may read the state."""
    folder = laptop.folder / ".deployer/keeper/local/terraform"
    shown = laptop.run("terraform", f"-chdir={folder}", "show", "-json").stdout
    assert f"ssm:{PARAMETER}" in shown
    assert not planted.shown_in(shown)


def test_lambda_and_cloudwatch_have_no_value(laptop: Laptop, planted: Planted, up: str) -> None:
    """Configuration and tags of every version, and every line of every log: an error that quotes a secret too."""
    functions, logs = aws(laptop, "lambda"), aws(laptop, "logs")
    whole = functions.get_function(FunctionName=up)
    versions = functions.list_versions_by_function(FunctionName=up)["Versions"]
    variables = whole["Configuration"]["Environment"]["Variables"]
    assert json.loads(variables["DEPLOYER_SECRETS"])["KEEPER_PASSWORD"] == f"ssm:{PARAMETER}"
    assert "KEEPER_PASSWORD" not in variables
    assert not planted.shown_in(json.dumps([whole, versions], default=str))
    invoke(laptop, up, "/fails", {})
    lines = [
        event["message"]
        for group in logs.describe_log_groups()["logGroups"]
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"])
        for event in page["events"]
    ]
    assert any("postgres://keeper:***@db:5432" in line for line in lines)
    assert not planted.shown_in("\n".join(lines))


def test_no_process_was_started_with_a_value(planted: Planted, up: str) -> None:
    """Neither as an argument nor in its environment: the function's own process has it in memory alone."""
    started = 0
    for process in Path("/proc").glob("[0-9]*"):
        for name in ("cmdline", "environ"):
            with suppress(OSError):
                content = (process / name).read_bytes()
                started += f"ssm:{PARAMETER}".encode() in content
                assert not planted.shown_in(content), process
    assert started > 0  # the function's, which was given the references


def contents(places: list[Path]) -> Iterator[tuple[Path, bytes]]:
    """Every file below, and what is inside those that are compressed."""
    for place in places:
        for path in place.rglob("*"):
            if path.is_file() and not path.is_symlink():
                with suppress(OSError):
                    yield from _inside(path, path.read_bytes())


def _inside(path: Path, content: bytes) -> Iterator[tuple[Path, bytes]]:
    yield path, content
    if content[:2] == b"\x1f\x8b" and len(content) < LARGEST_PACKED:
        with suppress(OSError, EOFError):
            yield path, gzip.decompress(content)
    elif content[:2] == b"PK":
        with suppress(zipfile.BadZipFile), zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                yield path, archive.read(name)

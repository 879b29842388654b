"""The handler under SnapStart: what is in its snapshot, and what differs after each restore."""

from __future__ import annotations

import json
import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from bento_projects import HANDLER, build, image_variables, install_handler, lay_out
from lambda_runtime_api import ANSWER_SECONDS, FunctionProcess, function_process
from local_endpoint import KEYS, LocalEndpoint

SERVICE = Path(__file__).parent / "snapstart_service"


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the service's Bento beside the handler."""
    folder = tmp_path_factory.mktemp("snapstart")
    shutil.copytree(SERVICE, folder / "project")
    lay_out(build(folder / "project", store=folder / "store"), store=folder / "store", folder=folder / "bento")
    install_handler(folder / "deployer")
    return folder


@contextmanager
def snapshot(image: Path, **more: str) -> Iterator[FunctionProcess]:
    """A started function, at the moment of its snapshot."""
    run = Path(tempfile.mkdtemp(dir=image))
    places = image_variables(image / "bento", handler=image / "deployer", temporary=run / "tmp")
    env = {**places, "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start", **more}
    with function_process(HANDLER, env=env, cwd=image / "bento/src", log=run / "log") as function:
        assert function.ready_for_snapshot.wait(ANSWER_SECONDS), function.log
        yield function


def connections(function: FunctionProcess) -> list[str]:
    """Every TCP and UDP socket that the process has open, but that of the Runtime API."""
    process = Path("/proc", str(function.process_id))
    held = {link.readlink().name for link in (process / "fd").iterdir() if link.is_symlink()}
    found = []
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in (process / "net" / table).read_text().splitlines()[1:]:
            fields = line.split()
            if f"socket:[{fields[9]}]" in held and not fields[2].endswith(f":{function.port:04X}"):
                found.append(f"{table} {fields[1]} {fields[2]}")
    return found


def test_each_restore_draws_its_own_numbers(image: Path) -> None:
    """Although both functions were seeded alike before the snapshot, as two restores of one are."""
    drawn = []
    for _ in range(2):
        with snapshot(image) as function:
            function.restored.set()
            drawn += json.loads(function.request("POST", "/draw", "{}")["body"])
    assert len(set(drawn)) == 4
    assert random.Random(7).random() not in drawn  # noqa: S311


def test_the_snapshot_holds_no_connection(image: Path) -> None:
    """And can be answered from at once."""
    with snapshot(image) as function:
        assert connections(function) == []
        function.restored.set()
        assert function.request("GET", "/readyz")["statusCode"] == 200


def test_a_service_s_own_hooks_run(image: Path) -> None:
    """Before the snapshot, and after the restore, when randomness is new already."""
    with snapshot(image) as function:
        function.restored.set()
        before, after = json.loads(function.request("POST", "/ran", "{}")["body"])
    assert before == "before snapshot"
    assert after.startswith("after restore, ")
    assert after != f"after restore, {random.Random(7).random()}"  # noqa: S311


def test_each_restore_reads_the_secrets_again(image: Path, tmp_path: Path) -> None:
    """A snapshot outlives a rotation: a service's hook finds the new value, and without an answer the snapshot's."""
    aws = LocalEndpoint(tmp_path)
    parameters = aws.aws("ssm")
    variables = {
        "DEPLOYER_SECRETS": '{"TEST_SECRET":"ssm:/snapstart/password"}',
        "AWS_ENDPOINT_URL": aws.endpoint,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": KEYS.access_key_id,
        "AWS_SECRET_ACCESS_KEY": KEYS.secret_access_key,
    }
    try:
        for value in ("rotated", None):
            parameters.put_parameter(Name="/snapstart/password", Value="first", Type="SecureString", Overwrite=True)
            with snapshot(image, **variables) as function:
                assert connections(function) == []
                if value:
                    parameters.put_parameter(Name="/snapstart/password", Value=value, Overwrite=True)
                else:
                    parameters.delete_parameter(Name="/snapstart/password")
                function.restored.set()
                found = json.loads(function.request("POST", "/found", "{}")["body"])
                assert found == ["first", value or "first"]
                assert ("TEST_SECRET (ssm:/snapstart/password): ParameterNotFound" in function.log) is not bool(value)
    finally:
        aws.close()


def test_a_hook_that_fails_is_a_failed_restore(image: Path) -> None:
    """With its reason, for Lambda and in the log."""
    with snapshot(image, TEST_FAULT="restore") as function:
        function.restored.set()
        answer = function.first_answer()
        assert (answer.kind, answer.body["errorMessage"]) == ("restore/error", "the database is gone")
        assert "ConnectionError: the database is gone" in function.log


def test_a_service_that_cannot_start_fails_the_snapshot(image: Path) -> None:
    """Instead of being kept as it is: Lambda publishes no such version."""
    run = Path(tempfile.mkdtemp(dir=image))
    places = image_variables(image / "nowhere", handler=image / "deployer", temporary=run / "tmp")
    env = {**places, "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}
    with function_process(HANDLER, env=env, cwd=image, log=run / "log") as function:
        assert function.first_answer().kind == "init/error"
        assert not function.ready_for_snapshot.is_set()

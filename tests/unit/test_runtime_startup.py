"""The start of a function, as far as it goes without a Bento."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployer.runtime.failed_start import FailedStart
from deployer.runtime.startup import prepare, start

REASON = "the Bento at (BENTO_PATH is not set) could not be started: KeyError: 'BENTO_PATH'"


@pytest.fixture
def thread() -> Iterator[None]:
    """`start` leaves the thread an event loop: it is closed."""
    yield
    asyncio.get_event_loop_policy().get_event_loop().close()
    asyncio.set_event_loop(None)


@pytest.mark.usefixtures("thread")
def test_a_bento_that_cannot_be_started_is_one_line_and_an_answer(caplog: pytest.LogCaptureFixture) -> None:
    """The process lives on to say so."""
    function = start({"DEPLOYER_EVENT_ROUTE": "/tick"})
    assert isinstance(function.app, FailedStart)
    assert function.event_route == "/tick"
    (record,) = caplog.records
    assert (REASON, "ERROR", "KeyError") == (record.message, record.levelname, vars(record)["errorType"])


@pytest.mark.usefixtures("thread")
def test_a_secret_that_cannot_be_had_is_a_failed_start(caplog: pytest.LogCaptureFixture) -> None:
    """Before anything of the service is imported. The log names the reference, the answer to everybody does not."""
    environment = {
        "DEPLOYER_SECRETS": '{"PASSWORD":"ssm:/digits/password"}',
        "BENTO_PATH": "/absent",
        "AWS_REGION": "eu-west-1",
    }
    function = start(environment)
    assert isinstance(function.app, FailedStart)
    assert type(function.app.error).__name__ == "SecretsUnavailable"
    (record,) = caplog.records
    assert record.message == (
        "the Bento at /absent could not be started: SecretsUnavailable: PASSWORD (ssm:/digits/password):"
        " the process has no credentials: AWS_ACCESS_KEY_ID is not set"
    )
    with pytest.raises(Exception, match=r"PASSWORD \(ssm:/digits/password\)"):
        start({**environment, "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"})


@pytest.mark.usefixtures("thread")
@pytest.mark.parametrize("kind", ["snap-start", "provisioned-concurrency"])
def test_the_init_fails_where_lambda_waits_for_it(kind: str) -> None:
    """Nothing that cannot answer is put into a snapshot or kept ready."""
    with pytest.raises(KeyError, match="BENTO_PATH"):
        start({"AWS_LAMBDA_INITIALIZATION_TYPE": kind})


def test_the_folders_are_there_before_bentoml_is_imported(tmp_path: Path) -> None:
    """And the user's settings of BentoML stay, beside metrics that are off."""
    environment = {
        "HOME": str(tmp_path / "home"),
        "BENTOML_HOME": str(tmp_path / "home/bentoml"),
        "BENTOML_CONFIG_OPTIONS": "api_server.http.cors.enabled=true",
    }
    prepare(environment)
    assert (tmp_path / "home/bentoml").is_dir()
    assert environment["BENTOML_CONFIG_OPTIONS"] == (
        "api_server.http.cors.enabled=true api_server.metrics.enabled=false"
    )

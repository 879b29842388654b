"""Which services get the lean application, and the parts of it that need no BentoML."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.runtime import lean


@pytest.mark.parametrize(
    ("version", "known"),
    [
        *[(version, True) for version in ("1.4.19", "1.4.30", "1.4.39", "1.4.39.post1")],
        *[(version, False) for version in ("1.4.18", "1.4.40", "1.3.22", "1.10.0", "2.0.0", "unknown")],
    ],
)
def test_only_releases_between_those_of_the_corpus_are_known(version: str, known: bool) -> None:
    """An older or newer BentoML gets its own application whole."""
    assert lean.knows(version) is known


@pytest.mark.parametrize(
    ("environment", "allowed"),
    [
        ({}, True),
        ({"DEPLOYER_DISPATCH": "auto"}, True),
        ({"DEPLOYER_DISPATCH": "full"}, False),
        ({"BENTOML_CONFIG": "/home/bentoml/bento/src/bentoml.yaml"}, False),
        ({"BENTOML_CONFIG_OPTIONS": "api_server.http.cors.enabled=true"}, False),
        ({"BENTOML_CONFIG_OPTIONS": ""}, True),
        ({"BENTOML_CONFIG_OPTIONS": lean.METRICS_OFF}, True),
        ({"BENTOML_CONFIG_OPTIONS": f"api_server.timeout=3 {lean.METRICS_OFF}"}, False),
    ],
)
def test_settings_of_the_users_own_ask_for_the_full_application(environment: dict[str, str], allowed: bool) -> None:
    """What they switch on, the lean one may not have."""
    assert lean.allowed(environment) is allowed


class Waiting:
    """A coroutine that is not done at once."""

    def __await__(self) -> Any:
        yield


async def waits() -> None:
    await Waiting()


def test_a_client_that_waits_in_its_set_up_is_an_error() -> None:
    """It would be half set up, and nobody would go on with it."""
    with pytest.raises(RuntimeError, match="waited"):
        lean._run_without_waiting(waits())

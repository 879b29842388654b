"""What is asked of bentoctl, and the answers to its prompts."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.config import DeploymentConfig, Spec
from deployer.tools.bentoctl_answers import answers, ask, differences, same

FULL = DeploymentConfig(
    name="digits",
    spec=Spec(
        region="eu-west-1",
        timeout=30,
        memory_size=512,
        ephemeral_storage=1024,
        auth="none",
        invoke_mode="RESPONSE_STREAM",
        event_route="/predict",
        documentation=False,
        log_retention_days=7,
        repository="team/digits",
        description="Digits, read",
        tags={"Owner": "me", "Team": "ml"},
    ),
    env={"LOG_LEVEL": "debug"},
)


def test_every_prompt_gets_one_line_in_bentoctls_order() -> None:
    """Name, each field of the operator's schema, tags and env as y/key/value with a final n, the file name."""
    expected = [
        *("digits", "eu-west-1", "30", "512", "1024", "none", "RESPONSE_STREAM", "/predict"),
        *("7", "team/digits", "Digits, read"),
        *("y", "Owner", "me", "y", "Team", "ml", "n"),
        *("y", "LOG_LEVEL", "debug", "n"),
        "deployment_config.yaml",
    ]

    assert answers(ask(FULL)).decode().splitlines() == expected


def test_what_is_asked_is_a_bentoctl_v1_deployment_config() -> None:
    """The document compared with what bentoctl writes: numbers are numbers, texts are texts."""
    assert ask(FULL).document() == {
        "api_version": "v1",
        "name": "digits",
        "operator": {"name": "aws-lambda"},
        "template": "terraform",
        "spec": {
            "region": "eu-west-1",
            "timeout": 30,
            "memory_size": 512,
            "ephemeral_storage": 1024,
            "auth": "none",
            "invoke_mode": "RESPONSE_STREAM",
            "event_route": "/predict",
            "log_retention_days": 7,
            "repository": "team/digits",
            "description": "Digits, read",
            "tags": {"Owner": "me", "Team": "ml"},
        },
        "env": {"LOG_LEVEL": "debug"},
    }


@pytest.mark.parametrize(
    "value",
    ["", "[/x]", "[red]x", "two\nlines", "cr\rhere", "tab\there", "\x00", "\u2028", "x" * 1001, "\ud800"],
)
def test_a_text_that_bentoctl_would_lose_or_crash_on_is_not_asked_of_it(value: str) -> None:
    """Neither in spec, nor as a tag, nor under env: nothing shifts the answers that follow."""
    config = DeploymentConfig(
        name="digits", spec=Spec(description=value, tags={"T": value, "K": "kept"}), env={"E": value, "K": "kept"}
    )

    asked = ask(config)

    assert "description" not in asked.spec
    assert (asked.spec["tags"], asked.env) == ({"K": "kept"}, {"K": "kept"})
    assert len(answers(asked).decode().split("\n")) == len(answers(ask(FULL)).decode().split("\n")) - 3


@pytest.mark.parametrize(
    "value", ["  spaces  ", 'quo"te', "back\\slash", "${x}", "%{if}", "null", "ünï 🚀", ":rocket:", "n"]
)
def test_a_text_that_bentoctl_carries_is_asked_of_it(value: str) -> None:
    """What needs no help goes through bentoctl."""
    assert ask(DeploymentConfig(name="digits", env={"E": value})).env == {"E": value}


@pytest.mark.parametrize("name", ["1BAD", "a-b", "", "a b", "ümlaut", "a.b"])
def test_an_environment_name_that_bentoctl_refuses_is_not_asked_of_it(name: str) -> None:
    """A refused key would make bentoctl read the value as the next key."""
    assert ask(DeploymentConfig(name="digits", env={name: "x"})).env == {}


def test_nothing_to_carry_still_answers_every_prompt() -> None:
    """Zero and empty are left out, and each prompt still gets its (empty) line."""
    config = DeploymentConfig(name="digits", spec=Spec(log_retention_days=0, repository="", description="", tags={}))

    asked = ask(config)

    assert sorted(asked.spec) == ["auth", "ephemeral_storage", "invoke_mode", "memory_size", "region", "timeout"]
    assert answers(asked).decode().split("\n")[-7:] == ["", "", "", "n", "n", "deployment_config.yaml", ""]


@pytest.mark.parametrize(
    ("one", "other"), [(1, True), (1, "1"), (1, 1.0), (None, ""), ({}, None), ({"a": [1]}, {"a": ["1"]})]
)
def test_equality_tells_types_apart(one: Any, other: Any) -> None:
    """A timeout of "30" is not a timeout of 30."""
    assert not same(one, other)


def test_differences_name_key_paths_and_never_values() -> None:
    """What bentoctl changed is said without showing a secret."""
    asked = {"name": "a", "spec": {"timeout": 30, "tags": {"A": "1"}}, "env": {"TOKEN": "hunter2"}}
    written = {"name": "a", "spec": {"timeout": "30", "tags": {"A": "1"}}, "env": {}, "extra": 1}

    assert differences(asked, written) == ["env.TOKEN", "extra", "spec.timeout"]
    assert differences(asked, asked) == []
    assert differences(asked, None) == ["the whole file"]

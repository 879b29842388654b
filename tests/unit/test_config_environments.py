"""One config for several environments: what is laid over what, and where its problems are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.config import DeploymentConfig, load_config
from deployer.config.overlay import merge
from deployer.errors import BadInput

BASE = """api_version: v1
name: digits
operator: {name: aws-lambda}
template: terraform
spec:
  timeout: 30
  tags: {team: vision, stage: none}
env: {LEVEL: debug}
environments:
"""


def write(folder: Path, environments: str, *, base: str = BASE) -> Path:
    path = folder / "digits.yaml"
    path.write_text(f"{base}{environments}", encoding="utf-8")
    return path


def refusal(path: Path, environment: str = "prod", name: str | None = None) -> list[str]:
    """The problems, a line each."""
    with pytest.raises(BadInput) as refused:
        load_config(path, environment=environment, name=name)
    return [line.strip() for line in refused.value.message.splitlines()[1:]]


@pytest.mark.parametrize(
    ("below", "above", "expected"),
    [
        ({"a": {"b": 1, "c": 2}}, {"a": {"c": 3}}, {"a": {"b": 1, "c": 3}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": 1, "b": 2}, {"a": None}, {"b": 2}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": None}}, {"a": {"c": 2}}),
        ({"a": {"b": 1}}, {"a": 5}, {"a": 5}),
        ({"a": 5}, {"a": {"b": 1, "c": None}}, {"a": {"b": 1}}),
        ({}, {"a": None}, {}),
        ({"a": 1}, {}, {"a": 1}),
    ],
)
def test_mappings_are_merged_and_everything_else_replaced(
    below: dict[str, object], above: dict[str, object], expected: dict[str, object]
) -> None:
    """Null takes a key away; what was merged stays as it was."""
    before = repr((below, above))
    assert expected == merge(below, above)
    assert before == repr((below, above))


def test_an_environment_is_laid_over_the_config(tmp_path: Path) -> None:
    """The config alone stays what it is without its environments."""
    path = write(
        tmp_path,
        '  prod:\n    target: aws\n    account: "111122223333"\n    profile: prod\n'
        "    spec: {region: eu-west-1, tags: {stage: prod}}\n    env: {LEVEL: }\n",
    )
    plain, prod = load_config(path), load_config(path, environment="prod")
    assert ("digits", "local", "", {"LEVEL": "debug"}) == (plain.name, plain.target, plain.environment, plain.env)
    assert ("digits-prod", "aws", "prod", {}) == (prod.name, prod.target, prod.environment, prod.env)
    assert ("111122223333", "prod", "eu-west-1", 30) == (
        prod.account,
        prod.profile,
        prod.spec.region,
        prod.spec.timeout,
    )
    assert {"team": "vision", "stage": "prod"} == prod.spec.tags


@pytest.mark.parametrize(
    ("environments", "name", "expected"),
    [
        ("  prod: {name: numbers}\n", None, "numbers"),
        ("  prod: {}\n", None, "digits-prod"),
        ("  prod:\n", None, "digits-prod"),
        ("  prod: {name: }\n", None, "digits-prod"),
        ("  prod: {name: numbers}\n", "mine", "mine"),
    ],
)
def test_an_environment_has_a_name_of_its_own(
    tmp_path: Path, environments: str, name: str | None, expected: str
) -> None:
    """So two environments in one account never meet; `--name` is the last word."""
    assert expected == load_config(write(tmp_path, environments), environment="prod", name=name).name


@pytest.mark.parametrize(
    ("backend", "overlay", "key"),
    [
        ("{type: s3, bucket: states, key: digits/state.tfstate}", "", "digits/prod/state.tfstate"),
        ("{type: s3, bucket: states, key: state.tfstate}", "", "prod/state.tfstate"),
        ("{type: s3, bucket: states, key: a/k}", "terraform: {backend: {bucket: others}}", "a/prod/k"),
        ("{type: s3, bucket: states, key: a/k}", "terraform: {backend: {key: a/p}}", "a/p"),
        ("{type: s3, bucket: states, key: a/k}", "terraform: {backend: {key: null}}", ""),
        ("{type: s3, bucket: states}", "", ""),
    ],
)
def test_no_environment_has_its_state_in_the_object_of_the_config(
    tmp_path: Path, backend: str, overlay: str, key: str
) -> None:
    """`up --env prod` would replace the function of the config by its own, and `down --env prod` destroy it."""
    base = BASE.replace("environments:", f"terraform: {{backend: {backend}}}\nenvironments:")
    path = write(tmp_path, f"  prod: {{account: '111122223333'{', ' if overlay else ''}{overlay}}}\n", base=base)
    found = load_config(path, environment="prod").terraform.backend
    assert found is not None
    assert key == found.key
    below = load_config(path).terraform.backend
    assert below is not None
    assert "prod" not in below.key


def test_a_key_that_is_no_text_is_a_problem_and_no_crash(tmp_path: Path) -> None:
    """At its own line, in an environment too."""
    base = BASE.replace("environments:", "terraform: {backend: {type: s3, bucket: states, key: 7}}\nenvironments:")
    assert [line.split(":")[0] for line in refusal(write(tmp_path, "  prod: {}\n", base=base))] == [
        "terraform.backend.key (line 9)"
    ]


def test_paths_of_an_environment_are_relative_to_the_file(tmp_path: Path) -> None:
    """As all paths of a config are."""
    path = write(tmp_path, "  prod: {smoke_test: {samples: data/x.json}}\n")
    assert tmp_path / "data" / "x.json" == load_config(path, environment="prod").smoke_test.samples


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ("prd", "has no environment prd. Did you mean prod? Valid: prod, staging."),
        ("zzz", "has no environment zzz. Valid: prod, staging."),
    ],
)
def test_an_unknown_environment_is_refused_with_those_that_are_there(
    tmp_path: Path, environment: str, told: str
) -> None:
    """And the one that was probably meant."""
    path = write(tmp_path, "  prod: {}\n  staging: {}\n")
    with pytest.raises(BadInput) as refused:
        load_config(path, environment=environment)
    assert f"{path} {told}" == refused.value.message


def test_a_config_without_environments_takes_none(tmp_path: Path) -> None:
    """It is said what to do."""
    path = write(tmp_path, "", base=BASE.replace("environments:\n", ""))
    with pytest.raises(BadInput) as refused:
        load_config(path, environment="prod")
    assert f"{path} has no environments, and --env says prod." == refused.value.message


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        (
            "{spec: {timeout: 901}}",
            "environments.prod.spec.timeout (line 10): 901 is not valid."
            " Valid: a whole number of seconds from 1 to 900.",
        ),
        (
            "{spec: {timout: 9}}",
            "environments.prod.spec.timout (line 10): unknown key. Did you mean timeout?",
        ),
        (
            "{sepc: {timeout: 9}}",
            "environments.prod.sepc (line 10): unknown key. Did you mean spec? Valid keys: name, spec, image,",
        ),
        (
            "{timeout: 9}",
            "environments.prod.timeout (line 10): unknown key. It belongs under spec. Valid keys: name, spec, image,",
        ),
        ("{operator: {name: x}}", "environments.prod.operator (line 10): unknown key."),
        ("{spec: 7}", "environments.prod.spec (line 10): 7 is not a mapping."),
        ("7", "environments.prod (line 10): 7 is not a mapping."),
        ("{env: {PORT: 80}}", "environments.prod.env.PORT (line 10): this value is not text in YAML"),
        (
            "{account: 111122223333}",
            'environments.prod.account (line 10): 111122223333 is not text in YAML: quote it, as in account: "1111',
        ),
        (
            "{terraform: {backend: {type: s3}}}",
            "environments.prod.terraform.backend.bucket (line 10): missing.",
        ),
        (
            "{spec: {ephemeral_storage: 1024, snapstart: true}}",
            "environments.prod.spec.ephemeral_storage (line 10): 1024 MB are too many with spec.snapstart: true.",
        ),
        (
            "{spec: {timeout: 1, timeout: 2}}",
            "environments.prod.spec.timeout (line 10): this key is there more than once.",
        ),
        ("{spec: {role: x}, bento: a b}", "environments.prod.spec.role (line 10): "),
    ],
)
def test_a_problem_of_an_environment_is_told_at_its_own_line(tmp_path: Path, environment: str, told: str) -> None:
    """The key path is the one in the file."""
    lines = refusal(write(tmp_path, f"  prod: {environment}\n"))
    assert told == lines[0][: len(told)]


def test_a_problem_of_the_config_below_is_told_where_it_stands(tmp_path: Path) -> None:
    """What the environment replaces is no problem there, and a limit across both is checked with what counts."""
    base = BASE.replace("timeout: 30", "timeout: 0\n  memory_size: 1\n  provisioned_concurrency: 4")
    told = refusal(write(tmp_path, "  prod: {spec: {timeout: 9, reserved_concurrency: 3}}\n", base=base))
    assert [
        "spec.memory_size (line 7): 1 is not valid. Valid: a whole number of MB from 128 to 10240.",
        "spec.provisioned_concurrency (line 8): 4 environments are more than spec.reserved_concurrency lets run,"
        " which is 3.",
    ] == told


def test_the_name_that_counts_is_the_one_that_is_measured(tmp_path: Path) -> None:
    """The environment's name makes it longer."""
    base = BASE.replace("name: digits", f"name: {'x' * 50}")
    path = write(tmp_path, "  prod: {}\n", base=base)
    assert load_config(path).name == "x" * 50
    assert refusal(path)[0].startswith(f"name (line 2): 55 characters are too many: the IAM role {'x' * 50}-prod-us")


def test_a_name_of_the_command_line_is_to_blame_for_itself(tmp_path: Path) -> None:
    """Not the environment's, which it stands in for."""
    assert refusal(write(tmp_path, "  prod: {name: fine}\n"), name="a b")[0].startswith('--name: "a b" is not valid')


def test_an_environment_that_is_not_chosen_is_checked_by_its_keys(tmp_path: Path) -> None:
    """What it says may be half a section, which is whole only over the config."""
    path = write(tmp_path, "  prod: {spec: {timeout: 901}}\n  test: {sepc: {}}\n")
    expected = ["environments.test.sepc (line 11): unknown key."]
    assert expected == [line[: len(expected[0])] for line in refusal(path, environment="")]


def test_a_name_that_cannot_be_an_environments_is_refused(tmp_path: Path) -> None:
    """It becomes part of names and of a folder."""
    told = refusal(write(tmp_path, "  PROD/1: {}\n"), environment="")
    assert [
        "environments.PROD/1 (line 10): this name is not allowed."
        " Valid: a lower-case letter and up to 30 letters, digits and -."
    ] == told


def test_what_stands_for_a_secret_is_never_repeated(tmp_path: Path) -> None:
    """It may be the secret itself, and messages end up in logs."""
    told = refusal(write(tmp_path, "  prod: {secrets: {PASSWORD: hunter2, NUMBER: 314159}}\n"))
    assert 2 == len([line for line in told if "this is no reference to a secret. Valid: ssm:PARAMETER" in line])
    assert not [line for line in told if "hunter2" in line or "314159" in line]


def test_an_empty_key_has_no_environments(tmp_path: Path) -> None:
    """`environments:` with nothing after it is read as every key is."""
    assert DeploymentConfig(name="digits").environment == load_config(write(tmp_path, "")).environment


def test_merged_yaml_mappings_of_an_environment_have_their_lines(tmp_path: Path) -> None:
    """`<<` brings keys in from elsewhere: they are told where they stand."""
    text = "  test: &test\n    spec: {timeout: 901}\n  prod:\n    <<: *test\n    target: aws\n"
    expected = ["environments.prod.spec.timeout (line 11): 901 is not valid."]
    assert expected == [line[: len(expected[0])] for line in refusal(write(tmp_path, text))]

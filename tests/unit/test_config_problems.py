"""What a config file may not say, and what the user is told: where, what was found, what is valid, what was meant."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from deployer.config import default_config, load_config
from deployer.config.schema import IMAGE_ENV, RESERVED_ENV
from deployer.config.schema_spec import LOG_RETENTION_DAYS, NO_FUNCTION_URLS, REGIONS, REGIONS_WITHOUT_FUNCTION_URLS
from deployer.errors import BadInput

MINIMAL = "api_version: v1\nname: digits\noperator: {name: aws-lambda}\ntemplate: terraform\n"


def refusal(folder: Path, text: str) -> str:
    """The lines under "has N problems:" for a config with these lines after the required ones."""
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput) as refused:
        load_config(path)
    head, _, told = refused.value.message.partition("\n")
    count = "a problem" if len(told.splitlines()) == 1 else f"{len(told.splitlines())} problems"
    assert f"{path} has {count}:" == head
    return told


def problem(folder: Path, line: str) -> str:
    """The one problem of a config that is right up to this line, without its indentation."""
    told = refusal(folder, f"{MINIMAL}{line}\n")
    assert "\n" not in told
    return told.strip()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "spec: {timeout: 901}",
            "spec.timeout (line 5): 901 is not valid. Valid: a whole number of seconds from 1 to 900.",
        ),
        (
            "spec: {timeout: 0}",
            "spec.timeout (line 5): 0 is not valid. Valid: a whole number of seconds from 1 to 900.",
        ),
        (
            "spec: {timeout: 1.5}",
            "spec.timeout (line 5): 1.5 is not a whole number. Valid: a whole number of seconds from 1 to 900.",
        ),
        (
            "spec: {timeout: true}",
            "spec.timeout (line 5): true is not a whole number. Valid: a whole number of seconds from 1 to 900.",
        ),
        (
            'spec: {timeout: "30"}',
            'spec.timeout (line 5): "30" is not a whole number. Write it without quotes.'
            " Valid: a whole number of seconds from 1 to 900.",
        ),
        (
            "spec: {memory_size: 127}",
            "spec.memory_size (line 5): 127 is not valid. Valid: a whole number of MB from 128 to 10240.",
        ),
        (
            "spec: {memory_size: 10241}",
            "spec.memory_size (line 5): 10241 is not valid. Valid: a whole number of MB from 128 to 10240.",
        ),
        (
            "spec: {ephemeral_storage: 511}",
            "spec.ephemeral_storage (line 5): 511 is not valid. Valid: a whole number of MB from 512 to 10240.",
        ),
        ("spec: {auth: no}", "spec.auth (line 5): no is not valid. Did you mean none? Valid: iam, none."),
        ("spec: {auth: AIM}", 'spec.auth (line 5): "AIM" is not valid. Did you mean iam? Valid: iam, none.'),
        (
            "spec: {invoke_mode: stream}",
            'spec.invoke_mode (line 5): "stream" is not valid. Valid: BUFFERED, RESPONSE_STREAM.',
        ),
        (
            "spec: {event_route: predict}",
            'spec.event_route (line 5): "predict" is not valid.'
            " Valid: a route of the Bento that begins with /, such as /predict.",
        ),
        (
            'spec: {documentation: "off"}',
            'spec.documentation (line 5): "off" is not a boolean. Valid: true or false.',
        ),
        (
            'image: {import_check: "no"}',
            'image.import_check (line 5): "no" is not a boolean. Valid: true or false.',
        ),
        (
            "spec: {log_retention_days: true}",
            f"spec.log_retention_days (line 5): true is not valid. Valid: {', '.join(map(str, LOG_RETENTION_DAYS))}.",
        ),
        ("target: awss", 'target (line 5): "awss" is not valid. Did you mean aws? Valid: local, aws.'),
        (
            "spec: {region: us-esat-1}",
            'spec.region (line 5): "us-esat-1" is not valid. Did you mean us-east-1 or us-west-1?'
            " Valid: an AWS region such as us-east-1 or eu-central-1.",
        ),
        (
            "spec: {region: Frankfurt}",
            'spec.region (line 5): "Frankfurt" is not valid. Valid: an AWS region such as us-east-1 or eu-central-1.',
        ),
        (
            "spec: {repository: Team/App}",
            'spec.repository (line 5): "Team/App" is not valid.'
            " Valid: an ECR repository name: lower-case letters and digits joined by . _ - or /, 2 to 256 characters.",
        ),
        (
            f"spec: {{description: {'x' * 257}}}",
            "spec.description (line 5): 257 characters are too many. Valid: text of at most 256 characters.",
        ),
        (
            "spec: {tags: {AWS:team: x}}",
            "spec.tags.AWS:team (line 5): this name is not allowed. Valid: 1 to 128 letters, digits, spaces and"
            " . : / = + - @ _, not beginning with aws: or deployer:.",
        ),
        (
            "spec: {tags: {team: 7}}",
            'spec.tags.team (line 5): 7 is not text in YAML: quote it, as in team: "7".',
        ),
        (
            "spec: {tags: [a]}",
            'spec.tags (line 5): ["a"] is not a mapping.'
            " Valid: a mapping of at most 28 tags (AWS allows 50, deployer adds 22).",
        ),
        (
            "env: {PORT: 8080}",
            'env.PORT (line 5): this value is not text in YAML: put it in quotes, as in PORT: "…".',
        ),
        (
            "env: {LIST: [1]}",
            'env.LIST (line 5): this value is not text in YAML: put it in quotes, as in LIST: "…".',
        ),
        (
            "env: {DEPLOYER_DISPATCH: ful}",
            'env.DEPLOYER_DISPATCH (line 5): "ful" is not valid. Did you mean full? Valid: auto, full, lean.',
        ),
        (
            "env: {DEPLOYER_EVENT_ROUTE: /predict}",
            "env.DEPLOYER_EVENT_ROUTE (line 5): this name is reserved; names that begin with DEPLOYER_ are deployer's"
            " own, but for DEPLOYER_DISPATCH.",
        ),
        (
            "env: {1BAD: x}",
            "env.1BAD (line 5): this name is not allowed. Valid: at least two letters, digits and _, a letter first.",
        ),
        (
            "env: {PYTHONPATH: x}",
            "env.PYTHONPATH (line 5): this name is reserved; the image sets these itself: BENTO_PATH, PYTHONPATH.",
        ),
        (
            "smoke_test: {route: predict}",
            'smoke_test.route (line 5): "predict" is not valid.'
            " Valid: a route of the Bento that begins with /, such as /predict.",
        ),
        ("smoke_test: {expected: [.nan]}", "smoke_test.expected (line 5): [NaN] is not a JSON value."),
        (
            'env: {"a\\e[31m\\n.b": x}',
            r'env."a\u001b[31m\n.b" (line 5): this name is not allowed.'
            " Valid: at least two letters, digits and _, a letter first.",
        ),
        ("bento: a b", 'bento (line 5): "a b" is not valid. Valid: a Bento as NAME or NAME:VERSION.'),
        ("bento: {name: a}", 'bento (line 5): {"name": "a"} is not text. Valid: a Bento as NAME or NAME:VERSION.'),
    ],
)
def test_a_value_is_refused_with_the_valid_ones(tmp_path: Path, line: str, told: str) -> None:
    """One sentence says what was found, the next what is valid, in Lambda's own limits."""
    assert told == problem(tmp_path, line)


@pytest.mark.parametrize(
    ("line", "path", "hint"),
    [
        ("bneto: digits", "bneto", "Did you mean bento?"),
        ("smoke-test: {}", "smoke-test", "Did you mean smoke_test?"),
        ("timeout: 3", "timeout", "It belongs under spec."),
        ("spec: {memroy_size: 512}", "spec.memroy_size", "Did you mean memory_size?"),
        ("spec: {bento: digits}", "spec.bento", "It belongs at the top level."),
        ("smoke_test: {sample: x.json}", "smoke_test.sample", "Did you mean samples?"),
        ("terraform: {mirror: x}", "terraform.mirror", "Valid keys: template, provider_mirror, backend."),
        ("zzz: 1", "zzz", "unknown key. Valid keys: api_version, name,"),
    ],
)
def test_an_unknown_key_is_refused_with_the_one_that_was_meant(tmp_path: Path, line: str, path: str, hint: str) -> None:
    """At every level: the near miss, or the section where the key is at home, and the keys that are valid."""
    told = problem(tmp_path, line)
    assert told.startswith(f"{path} (line 5): unknown key.")
    assert hint in told


@pytest.mark.parametrize("name", ["api_version", "name", "operator", "template"])
def test_a_required_key_that_is_missing_is_named_with_its_values(tmp_path: Path, name: str) -> None:
    """bentoctl needs these four; so does a file that both can read."""
    values = yaml.safe_load(MINIMAL)
    del values[name]
    assert refusal(tmp_path, yaml.safe_dump(values)).startswith(f"  {name}: missing. Valid: ")


@pytest.mark.parametrize("name", RESERVED_ENV)
def test_a_name_that_lambda_reserves_is_refused_with_the_list(tmp_path: Path, name: str) -> None:
    """Lambda would refuse the function after minutes of building."""
    listed = ", ".join(RESERVED_ENV)
    told = f"env.{name} (line 5): this name is reserved; Lambda sets these itself: {listed}."
    assert told == problem(tmp_path, f"env: {{{name}: x}}")


def test_all_problems_are_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    """A user mends a file once, not once for each problem."""
    text = (
        "api_version: v2\nname: a/b\ntemplate: terraform\nspec:\n  timeout: 0\n  tiemout: 9\n  timeout: 1\nenv: [x]\n"
    )
    told = [line.strip().partition(":")[0] for line in refusal(tmp_path, text).splitlines()]
    expected = [
        "operator",
        "api_version (line 1)",
        "name (line 2)",
        "spec.tiemout (line 6)",
        "spec.timeout (line 7)",
        "env (line 8)",
    ]
    assert expected == told


def test_the_bytes_of_all_environment_variables_together_have_a_limit(tmp_path: Path) -> None:
    """Lambda measures names and values as JSON, in UTF-8: 4096 bytes pass and one more does not."""
    fits = "ü" * ((4096 - len('{"NAME":""}')) // 2)
    path = tmp_path / "fits.yaml"
    path.write_text(f'{MINIMAL}env: {{NAME: "{fits}x"}}\n', encoding="utf-8")
    assert len(load_config(path).env["NAME"]) == len(fits) + 1
    told = problem(tmp_path, f'env: {{NAME: "{fits}xx"}}')
    assert told == (
        "env (line 5): 4097 bytes are too many. Valid: at most 4096 bytes of names and values together, as JSON."
    )


def test_what_settings_add_to_the_environment_counts_too(tmp_path: Path) -> None:
    """Lambda measures them with the rest: said here and not by AWS after the image was pushed."""
    fits = "x" * (4096 - len('{"NAME":""}'))
    told = problem(tmp_path, f"spec: {{event_route: /predict, documentation: false}}\nenv: {{NAME: {fits}}}")
    assert (
        "env (line 6): 4161 bytes (DEPLOYER_EVENT_ROUTE, DEPLOYER_DOCUMENTATION of the settings among them) are too"
        " many. Valid: at most 4096 bytes of names and values together, as JSON."
    ) == told


def test_a_value_of_the_environment_is_never_repeated(tmp_path: Path) -> None:
    """It may be a password, and messages end up in logs."""
    assert "314159" not in problem(tmp_path, "env: {PASSWORD: 314159}")


def test_a_name_must_leave_room_for_the_role_that_is_made_of_it(tmp_path: Path) -> None:
    """The function may have 64 characters, and so may its role, which has the region at its end."""
    config = MINIMAL.replace("name: digits", "name: {name}").replace("{name: aws-lambda}", "\n  name: aws-lambda")
    path = tmp_path / "config.yaml"
    path.write_text(config.replace("{name}", "x" * 54), encoding="utf-8")
    assert len(load_config(path).name) == 54
    told = refusal(tmp_path, config.replace("{name}", "x" * 55))
    assert told == (
        f"  name (line 2): 55 characters are too many: the IAM role {'x' * 55}-us-east-1 may have 64."
        " Valid: at most 54 characters in this region."
    )


@pytest.mark.parametrize("name", ["Digits", "digits-", "-digits", "_digits", "d"])
def test_a_name_that_ecr_refuses_needs_a_repository_of_its_own(tmp_path: Path, name: str) -> None:
    """Lambda takes names that ECR does not; the way out is named and works."""
    config = MINIMAL.replace("name: digits", f"name: {name}")
    told = refusal(tmp_path, config)
    assert f'  name (line 2): "{name}" cannot name the ECR repository too' in told
    path = tmp_path / "config.yaml"
    path.write_text(f"{config}spec: {{repository: digits}}\n", encoding="utf-8")
    assert (name, "digits") == (load_config(path).name, load_config(path).repository)


@pytest.mark.parametrize("name", ["", "a b", "a/b", "../x", "a.b", "ü", "x" * 65, "digits\n"])
def test_a_name_that_lambda_refuses_is_refused(name: str) -> None:
    """The same rule holds for a name that no file gives."""
    with pytest.raises(BadInput, match="1 to 64 letters, digits, - and _"):
        default_config(name)


def test_more_tags_than_aws_takes_are_refused(tmp_path: Path) -> None:
    """50 on a resource, of which 22 are deployer's: whose it is, and how the last twenty versions tested."""
    tags = {f"tag{number}": "x" for number in range(29)}
    told = problem(tmp_path, yaml.safe_dump({"spec": {"tags": tags}}))
    assert told.startswith("spec.tags (line 6): 29 entries are too many. Valid: a mapping of at most 28 tags")


@pytest.mark.parametrize("region", REGIONS)
def test_every_region_that_is_known_is_taken(tmp_path: Path, region: str) -> None:
    """The pattern must not be narrower than the list that near misses are looked for in."""
    path = tmp_path / "config.yaml"
    path.write_text(f"{MINIMAL}spec: {{region: {region}}}\n", encoding="utf-8")
    assert region == load_config(path).spec.region


def test_each_region_without_function_urls_is_one_that_is_known() -> None:
    """One that is misspelled would be told to nobody; and the remark names the region that the config has."""
    assert set(REGIONS_WITHOUT_FUNCTION_URLS) < set(REGIONS)
    assert "spec.region is ap-south-2, where" in NO_FUNCTION_URLS.format(region="ap-south-2")


def test_a_retention_that_cloudwatch_does_not_know_is_refused_with_the_nearest(tmp_path: Path) -> None:
    """CloudWatch takes some numbers of days only."""
    told = problem(tmp_path, "spec: {log_retention_days: 45}")
    assert told.startswith("spec.log_retention_days (line 5): 45 is not valid. The nearest is 30. Valid: 1, 3, 5,")
    assert told.endswith(f" {LOG_RETENTION_DAYS[-1]}.")


def test_the_image_keeps_its_own_variables() -> None:
    """A function variable would replace the image's, and the handler would not find the Bento."""
    assert ("BENTO_PATH", "PYTHONPATH") == IMAGE_ENV


EVERYTHING_FITS = """spec:
  endpoint: http_api
  stage: v1
  cors: {allow_origins: ["https://example.com"], allow_credentials: true}
  vpc: {subnet_ids: [subnet-1], security_group_ids: [sg-1]}
  file_system: {access_point: "arn:aws:elasticfilesystem:us-east-1:123456789012:access-point/fsap-1", path: /mnt/m}
  reserved_concurrency: 4
  provisioned_concurrency: 4
  log_format: JSON
  log_level: INFO
  system_log_level: WARN
  role: arn:aws:iam::123456789012:role/own
  ephemeral_storage: 1024
secrets: {PASSWORD: ssm:/digits/password}
env: {LEVEL: info}
"""
ROLE = "arn:aws:iam::123456789012:role/own"
BOUNDARY = "arn:aws:iam::123456789012:policy/edge"
ACCESS_POINT = "arn:aws:elasticfilesystem:us-east-1:123456789012:access-point/fsap-1"
FILE_SYSTEM = f'file_system: {{access_point: "{ACCESS_POINT}", path: /mnt/m}}'
VPC = "vpc: {subnet_ids: [subnet-1], security_group_ids: [sg-1]}"


def test_keys_that_go_together_are_taken(tmp_path: Path) -> None:
    """Every limit across keys, right at the edge."""
    path = tmp_path / "config.yaml"
    path.write_text(MINIMAL + EVERYTHING_FITS, encoding="utf-8")
    assert "v1" == load_config(path).spec.stage
    path.write_text(f"{MINIMAL}spec: {{snapstart: true, ephemeral_storage: 512, invoke_mode: RESPONSE_STREAM}}\n")
    assert load_config(path).spec.snapstart


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        (
            "snapstart: true, ephemeral_storage: 513",
            "spec.ephemeral_storage (line 5): 513 MB are too many with spec.snapstart: true. Valid: 512 MB.",
        ),
        (
            f"snapstart: true, {VPC}, {FILE_SYSTEM}",
            "spec.file_system (line 5): Lambda takes no file system with spec.snapstart: true. Leave one of them out.",
        ),
        (
            "snapstart: true, provisioned_concurrency: 2",
            "spec.provisioned_concurrency (line 5): 2 provisioned environments do not go with spec.snapstart: true."
            " Leave one of them out.",
        ),
        (
            FILE_SYSTEM,
            "spec.file_system (line 5): EFS is reached through a VPC, and there is no spec.vpc."
            " Add the subnets and security groups of its network.",
        ),
        (
            f"role: {ROLE}, permission_boundary: {BOUNDARY}",
            "spec.permission_boundary (line 5): it is for the role that deployer makes, and spec.role names"
            f" {ROLE}. Leave one of them out.",
        ),
        ("log_level: DEBUG", "spec.log_level (line 5): DEBUG needs spec.log_format: JSON, and it is Text."),
        (
            "system_log_level: WARN, log_format: Text",
            "spec.system_log_level (line 5): WARN needs spec.log_format: JSON, and it is Text.",
        ),
        (
            "invoke_mode: RESPONSE_STREAM, endpoint: http_api",
            "spec.invoke_mode (line 5): an HTTP API passes whole responses on: RESPONSE_STREAM needs"
            " spec.endpoint: function_url, and it is http_api.",
        ),
        (
            "stage: v1",
            "spec.stage (line 5): only an HTTP API has stages: v1 needs spec.endpoint: http_api,"
            " and it is function_url.",
        ),
        (
            "provisioned_concurrency: 5, reserved_concurrency: 4",
            "spec.provisioned_concurrency (line 5): 5 environments are more than spec.reserved_concurrency lets run,"
            " which is 4.",
        ),
        (
            'cors: {allow_origins: ["*"], allow_credentials: true}',
            "spec.cors.allow_credentials (line 5): browsers send none to everyone, and spec.cors.allow_origins has"
            ' "*". Name the origins one by one.',
        ),
    ],
)
def test_keys_that_do_not_go_together_are_refused(tmp_path: Path, spec: str, told: str) -> None:
    """With the value that counts and the limit: AWS would say so minutes later, after the image was pushed."""
    assert told == problem(tmp_path, f"spec: {{{spec}}}")


@pytest.mark.parametrize(
    "spec",
    [
        f"{FILE_SYSTEM}, vpc: {{subnet_ids: 7, security_group_ids: [sg-1]}}",
        "snapstart: maybe, ephemeral_storage: 1024",
        "reserved_concurrency: many, provisioned_concurrency: 5",
        "cors: {allow_origins: 7, allow_credentials: true}",
    ],
)
def test_a_limit_is_passed_over_where_one_of_its_keys_is_wrong_by_itself(tmp_path: Path, spec: str) -> None:
    """What it would say need not be so once the key is mended."""
    assert "is not a" in problem(tmp_path, f"spec: {{{spec}}}")


def test_a_variable_is_set_once(tmp_path: Path) -> None:
    """By its text or by a reference."""
    told = problem(tmp_path, "env: {TOKEN: x}\nsecrets: {TOKEN: ssm:/digits/token}")
    assert "secrets.TOKEN (line 6): env.TOKEN sets this variable too. Leave one of them out." == told


def test_references_to_secrets_count_as_bytes_of_the_environment(tmp_path: Path) -> None:
    """They reach the function in a variable."""
    fits = "x" * (4096 - len('{"NAME":""}'))
    told = problem(tmp_path, f"secrets: {{TOKEN: ssm:/digits/token}}\nenv: {{NAME: {fits}}}")
    assert "bytes (DEPLOYER_SECRETS of the settings among them) are too many" in told


def test_a_role_of_the_users_own_leaves_room_for_a_longer_name(tmp_path: Path) -> None:
    """No role is made of the name then."""
    path = tmp_path / "config.yaml"
    text = MINIMAL.replace("name: digits", f"name: {'x' * 64}", 1)
    path.write_text(f"{text}spec: {{role: {ROLE}}}\n", encoding="utf-8")
    assert 64 == len(load_config(path).name)


@pytest.mark.parametrize("value", ["hunter2", "314159"])
def test_what_stands_for_a_reference_is_never_repeated(tmp_path: Path, value: str) -> None:
    """It may be the secret itself, and messages end up in logs."""
    told = problem(tmp_path, f"secrets: {{PASSWORD: {value}}}")
    assert told.startswith("secrets.PASSWORD (line 5): this is no reference to a secret. Valid: ssm:PARAMETER, ")
    assert value not in told

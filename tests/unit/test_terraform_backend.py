"""Where a terraform state is to be kept, what terraform is told of it, and what its failures mean."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from stand_in_runner import StandInRunner

from deployer.config import DeploymentConfig, Spec
from deployer.config.values import Backend, TerraformOptions
from deployer.errors import DeployerError
from deployer.tools.process import Completed
from deployer.tools.state_lock import StateLock
from deployer.tools.terraform import Terraform
from deployer.tools.terraform_backend import (
    FILE,
    LOCAL,
    StatePlace,
    has_backend_block,
    oldest_terraform,
    recorded_place,
    s3_settings,
    wanted_place,
    write_backend,
)
from deployer.tools.terraform_failures import failure

LOG_IN = "Run `aws sso login --profile ml` first."
S3 = StatePlace("s3", "states", "a/b.tfstate", "eu-west-1")


def config(backend: Backend | None, *, environment: str = "") -> DeploymentConfig:
    spec = Spec(region="eu-west-1")
    return DeploymentConfig(
        name="digits", spec=spec, environment=environment, terraform=TerraformOptions(backend=backend)
    )


@pytest.mark.parametrize(
    ("found", "place"),
    [
        (config(None), LOCAL),
        (config(Backend("b")), StatePlace("s3", "b", "deployer/digits/eu-west-1/terraform.tfstate", "eu-west-1")),
        (
            config(Backend("b"), environment="prod"),
            StatePlace("s3", "b", "deployer/digits/prod/eu-west-1/terraform.tfstate", "eu-west-1"),
        ),
        (config(Backend("b", key="k", region="us-east-2")), StatePlace("s3", "b", "k", "us-east-2")),
    ],
)
def test_each_deployment_has_an_object_of_its_own(found: DeploymentConfig, place: StatePlace) -> None:
    """Name, environment and region tell them apart; the bucket may be in another region."""
    assert place == wanted_place(found)


def test_terraform_is_told_of_the_bucket_and_nothing_secret() -> None:
    """Encrypted, locked by S3 itself; on an endpoint that is not AWS's there is no host for each bucket."""
    aws = {"bucket": "states", "key": "a/b.tfstate", "region": "eu-west-1", "encrypt": True, "use_lockfile": True}
    shell = {"AWS_SECRET_ACCESS_KEY": "secret"}
    assert aws == s3_settings(S3, shell)
    elsewhere = s3_settings(S3, {**shell, "AWS_ENDPOINT_URL": "http://127.0.0.1:1"})
    flags = {"use_path_style": True, "skip_credentials_validation": True, "skip_requesting_account_id": True}
    assert {**aws, **flags} == elsewhere


def test_the_file_comes_and_goes_with_the_place(tmp_path: Path) -> None:
    """A state on this disk needs none."""
    write_backend(tmp_path, S3, {})
    assert {"s3": s3_settings(S3, {})} == json.loads((tmp_path / FILE).read_text())["terraform"]["backend"]
    assert not has_backend_block(tmp_path)
    write_backend(tmp_path, LOCAL, {})
    write_backend(tmp_path, LOCAL, {})
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "text", "has"),
    [
        ("main.tf", 'terraform {\n  backend "gcs" {}\n}', True),
        ("main.tf", 'terraform { backend "s3" {} }', True),
        ("main.tf", "terraform {\n  cloud {\n    organization = 1\n  }\n}", True),
        ("main.tf", 'terraform {\n  # backend "s3" {}\n}', False),
        ("main.tf", 'resource "x" "backend" {}', False),
        ("main.tf.json", '{"terraform": {"backend": {"gcs": {}}}}', True),
        ("main.tf.json", '{"output": {}}', False),
    ],
)
def test_a_template_may_say_itself_where_its_state_is(tmp_path: Path, name: str, text: str, has: bool) -> None:
    """In either of terraform's languages; a comment says nothing."""
    (tmp_path / name).write_text(text)
    assert has is has_backend_block(tmp_path)


@pytest.mark.parametrize(
    ("noted", "place"),
    [
        (None, None),
        ("{broken", None),
        ('{"version": 3, "terraform_version": "1.11.4"}', LOCAL),
        ('{"backend": {"type": "gcs", "config": {"bucket": "b"}}}', StatePlace("gcs")),
        (
            '{"backend": {"type": "s3", "config": {"bucket": "b", "key": "k", "region": null}}}',
            StatePlace("s3", "b", "k"),
        ),
    ],
)
def test_what_terraform_noted_of_the_place_is_read(tmp_path: Path, noted: str | None, place: StatePlace | None) -> None:
    """A note that cannot be read is none."""
    if noted is not None:
        (tmp_path / ".terraform").mkdir()
        (tmp_path / ".terraform" / "terraform.tfstate").write_text(noted)
    assert place == recorded_place(tmp_path)


@pytest.mark.parametrize(
    ("wanted", "noted", "template", "oldest"),
    [
        (S3, None, "", (1, 10)),
        (LOCAL, None, "", None),
        (LOCAL, "s3", "", (1, 10)),
        (LOCAL, "gcs", "", None),
        (LOCAL, "s3", 'terraform { backend "s3" {} }', None),
    ],
    ids=["to S3", "on this disk", "back from S3", "elsewhere", "the template's own"],
)
def test_a_terraform_that_cannot_lock_in_s3_is_not_used_with_a_state_there(
    tmp_path: Path, wanted: StatePlace, noted: str | None, template: str, oldest: tuple[int, int] | None
) -> None:
    """Neither to bring one there nor to fetch one back; how a template locks its own is not deployer's to say."""
    (tmp_path / "main.tf").write_text(template)
    if noted is not None:
        (tmp_path / ".terraform").mkdir()
        known = {"backend": {"type": noted, "config": {"bucket": "b", "key": "k"}}}
        (tmp_path / ".terraform" / "terraform.tfstate").write_text(json.dumps(known))
    assert oldest == oldest_terraform(tmp_path, wanted)


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        (
            "api error ExpiredToken: The security token included in the request is expired",
            "The AWS credentials have expired. Run `aws sso login --profile ml` first. Then `deployer up` continues"
            " where this run stopped. Nothing was changed.",
        ),
        (
            "StatusCode: 403, api error UnrecognizedClientException: The security token is invalid",
            "AWS does not know these credentials, or not any more. Run `aws sso login --profile ml` first. Then"
            " `deployer up` continues where this run stopped. Nothing was changed.",
        ),
        ("api error AccessDenied: no", "Nothing was changed."),
    ],
)
@pytest.mark.parametrize("as_event", [True, False])
def test_credentials_that_ran_out_halfway_are_told_with_what_to_do(said: str, hint: str, as_event: bool) -> None:
    """By AWS's own code, which provider and backend pass on: in an event of a plan, or in the prose of `init`."""
    diagnostic = {"severity": "error", "summary": "creating Lambda Function", "detail": said}
    event = json.dumps({"type": "diagnostic", "diagnostic": diagnostic})
    done = Completed(("terraform",), 1, event if as_event else "", "" if as_event else f"Error: {said}")
    error = failure("plan", done, hint="Nothing was changed.", log=None, log_in=LOG_IN)
    assert hint == error.hint
    assert said in error.message


def test_a_lock_that_cannot_be_looked_at_hides_nothing(tmp_path: Path) -> None:
    """The credentials ran out: terraform says so, and so would the question who has locked the state."""

    def denied(place: StatePlace) -> StateLock | None:
        raise DeployerError("the credentials have expired, too")

    diagnostic = {"severity": "error", "summary": "Failed to load state", "detail": "api error ExpiredToken: expired"}
    failed = (1, json.dumps({"type": "diagnostic", "diagnostic": diagnostic}))
    runner = StandInRunner(answers=[failed, (0, ""), failed])
    terraform = Terraform(
        folder=tmp_path,
        binary=Path("/bin/terraform"),
        variables={},
        runner=runner,
        log=tmp_path / "terraform.log",
        provider_mirror=None,
        place=S3,
        lock_in_s3=denied,
        log_in=LOG_IN,
    )
    with pytest.raises(DeployerError, match="Failed to load state: api error ExpiredToken") as told:
        terraform.plan()
    assert told.value.hint.startswith(f"The AWS credentials have expired. {LOG_IN} Then `deployer up` continues")

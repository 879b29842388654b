"""Whose credentials a run has: AWS's own settings files and botocore, against an STS and SSO on loopback."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import boto3
import pytest
from fake_identities import NEVER, Identities, identities

from deployer.errors import DeployerError
from deployer.targets import Environment
from deployer.targets.aws import AwsTarget
from deployer.tools.aws import Aws
from deployer.tools.aws_credentials import Credentials, aws_session, find_credentials

REGION = "eu-west-1"
PROD, STAGING = "111122223333", "444455556666"
ROLE, DEVICE = f"arn:aws:iam::{PROD}:role/deploy", f"arn:aws:iam::{STAGING}:mfa/me"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIASHELL", "AWS_SECRET_ACCESS_KEY": "secret of the shell"}

PROCESS = '{"Version": 1, "AccessKeyId": "AKIAPROD", "SecretAccessKey": "secret of prod", "SessionToken": "token"}'


@dataclass
class Laptop:
    """A home folder with AWS's settings, and a shell in it."""

    home: Path
    aws: Identities
    variables: dict[str, str] = field(default_factory=dict)
    questions: list[str] = field(default_factory=list)
    code: str | None = "123456"

    def settings(self, text: str) -> None:
        """AWS's config file; {url} stands for AWS's address, {home} for the home folder."""
        folder = self.home / ".aws"
        folder.mkdir(exist_ok=True)
        (folder / "config").write_text(text.replace("{url}", self.aws.url).replace("{home}", str(self.home)))
        self.variables["AWS_CONFIG_FILE"] = str(folder / "config")
        self.variables["AWS_SHARED_CREDENTIALS_FILE"] = str(folder / "credentials")

    def ask(self, question: str) -> str | None:
        self.questions.append(question)
        return self.code

    def target(self) -> AwsTarget:
        return AwsTarget(variables=self.variables, ask=self.ask)

    def prepare(self, *, profile: str = "", account: str = "") -> Environment:
        return self.target().prepare(region=REGION, profile=profile, account=account)

    def refusal(self, *, profile: str = "", account: str = "") -> DeployerError:
        with pytest.raises(DeployerError) as refused:
            self.prepare(profile=profile, account=account)
        return refused.value


@pytest.fixture
def laptop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Laptop]:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    accounts = {"AKIASHELL": STAGING, "AKIAPROD": PROD, "ASIAROLE": PROD, "ASIAWEB": PROD, "ASIASSO": PROD}
    with identities(**accounts) as aws:
        there = Laptop(tmp_path, aws)
        (tmp_path / "prod.json").write_text(PROCESS)
        there.settings(
            "[default]\nregion = us-east-1\nendpoint_url = {url}\n"
            "[profile prod]\nendpoint_url = {url}\ncredential_process = cat {home}/prod.json\n"
            "[profile base]\naws_access_key_id = AKIASHELL\naws_secret_access_key = secret of base\n"
            f"[profile role]\nendpoint_url = {{url}}\nrole_arn = {ROLE}\nsource_profile = base\n"
            f"[profile mfa]\nendpoint_url = {{url}}\nrole_arn = {ROLE}\nsource_profile = base\nmfa_serial = {DEVICE}\n"
        )
        yield there


def keys_of(environment: Environment) -> list[str | None]:
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    return [environment.variables.get(name) for name in names]


def test_a_profile_becomes_keys_that_every_child_gets(laptop: Laptop) -> None:
    """And nothing that would lead a child to another identity; where AWS is goes with the profile."""
    laptop.variables |= {**KEYS, "AWS_PROFILE": "base", "AWS_ROLE_ARN": "arn", "AWS_SESSION_TOKEN": "of the shell"}
    environment = laptop.prepare(profile="prod")
    expected = {
        "AWS_ACCESS_KEY_ID": "AKIAPROD",
        "AWS_SECRET_ACCESS_KEY": "secret of prod",
        "AWS_SESSION_TOKEN": "token",
        "AWS_ENDPOINT_URL": laptop.aws.url,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
    }
    files = {name: laptop.variables[name] for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")}
    assert {**files, **expected} == environment.process_variables(laptop.variables)
    assert (PROD, PROD) == (environment.account, Aws(environment, laptop.variables).identity().account)


@pytest.mark.parametrize(
    ("shell", "profile", "key"),
    [
        ({}, "prod", "AKIAPROD"),
        ({"AWS_PROFILE": "prod"}, "", "AKIAPROD"),
        ({"AWS_DEFAULT_PROFILE": "prod"}, "", "AKIAPROD"),
        ({"AWS_PROFILE": "missing"}, "prod", "AKIAPROD"),
        (KEYS, "", "AKIASHELL"),
        (KEYS, "prod", "AKIAPROD"),
        ({**KEYS, "AWS_PROFILE": "prod"}, "", "AKIASHELL"),
        ({"AWS_PROFILE": "role"}, "", "ASIAROLE"),
    ],
)
def test_the_config_counts_for_more_than_the_shell(
    laptop: Laptop, shell: dict[str, str], profile: str, key: str
) -> None:
    """Keys of the shell count for more than its AWS_PROFILE, as they do for AWS's own tools."""
    laptop.variables |= {**shell, "AWS_ENDPOINT_URL": laptop.aws.url}
    assert key == laptop.prepare(profile=profile).variables["AWS_ACCESS_KEY_ID"]


def test_keys_without_a_token_take_no_other_token_along(laptop: Laptop) -> None:
    """A token of the shell with keys of a profile is nobody."""
    laptop.variables |= {"AWS_SESSION_TOKEN": "of the shell", "AWS_ENDPOINT_URL": laptop.aws.url}
    environment = laptop.prepare(profile="base")
    assert ["AKIASHELL", "secret of base", None] == keys_of(environment)
    assert "AWS_SESSION_TOKEN" not in environment.process_variables(laptop.variables)


DEFAULT = "[default]\nendpoint_url = http://127.0.0.1:9\nuse_fips_endpoint = true\nuse_dualstack_endpoint = true\n"


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ("", "https://sts.us-east-1.amazonaws.com"),
        ("use_fips_endpoint = true\n", "https://sts-fips.us-east-1.amazonaws.com"),
        ("endpoint_url = http://127.0.0.1:8\n", "http://127.0.0.1:8"),
    ],
    ids=["none", "fips", "endpoint"],
)
def test_where_aws_is_says_the_named_profile_and_never_the_default_one(
    laptop: Laptop, settings: str, address: str
) -> None:
    """Children see no profile: what the default one would say to them is answered before they look."""
    laptop.settings(f"{DEFAULT}[profile prod]\ncredential_process = cat {{home}}/prod.json\n{settings}")
    found = find_credentials(laptop.variables, region="us-east-1", profile="prod", ask=laptop.ask)
    child = {**laptop.variables, **found.variables}
    session = boto3.Session(botocore_session=aws_session(child, "us-east-1"), region_name="us-east-1")
    asked = session.client("sts", endpoint_url=child.get("AWS_ENDPOINT_URL"))
    assert address == asked.meta.endpoint_url
    has_address, is_fips = "endpoint_url" in settings, "fips" in settings
    assert ("true" if is_fips else "false", "false") == (
        child["AWS_USE_FIPS_ENDPOINT"],
        child["AWS_USE_DUALSTACK_ENDPOINT"],
    )
    assert (None if has_address else "true") == child.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")


def test_an_address_of_the_shell_counts_whatever_the_default_profile_says(laptop: Laptop) -> None:
    """A child that ignores configured addresses would ignore this one too."""
    laptop.settings(f"{DEFAULT}[profile prod]\ncredential_process = cat {{home}}/prod.json\n")
    laptop.variables["AWS_ENDPOINT_URL"] = laptop.aws.url
    environment = laptop.prepare(profile="prod")
    assert (PROD, None) == (environment.account, environment.variables.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"))


def test_the_shell_counts_for_more_than_the_profile(laptop: Laptop) -> None:
    """While credentials are looked for too: with FIPS no address of one's own would do."""
    laptop.settings(
        f"[profile role]\nendpoint_url = {{url}}\nuse_fips_endpoint = true\nrole_arn = {ROLE}\n"
        "source_profile = base\n[profile base]\naws_access_key_id = AKIASHELL\naws_secret_access_key = s\n"
    )
    laptop.variables["AWS_USE_FIPS_ENDPOINT"] = "false"
    assert PROD == laptop.prepare(profile="role").account


def test_the_default_profile_counts_where_none_is_named(laptop: Laptop) -> None:
    """As for AWS's own tools."""
    laptop.settings("[default]\nendpoint_url = {url}\nuse_dualstack_endpoint = false\n")
    laptop.variables |= KEYS
    environment = laptop.prepare()
    assert (STAGING, laptop.aws.url, "false") == (
        environment.account,
        environment.variables["AWS_ENDPOINT_URL"],
        environment.variables["AWS_USE_DUALSTACK_ENDPOINT"],
    )


def test_credentials_of_another_account_are_refused_before_anything_else_is_asked(laptop: Laptop) -> None:
    """Both accounts and where the credentials come from are named."""
    told = laptop.refusal(profile="prod", account=STAGING)
    assert (
        f"This deployment is in the AWS account {STAGING}, and the credentials in use are of {PROD}:"
        " profile prod (a credential process)."
    ) == told.message
    assert f"Use credentials of {STAGING}: name their profile in the config (`profile`)" in told.hint
    assert ["GetCallerIdentity"] == laptop.aws.actions
    assert PROD == laptop.prepare(profile="prod", account=PROD).account


def test_one_command_looks_for_credentials_once(laptop: Laptop) -> None:
    """A code of an MFA device is good for one use."""
    target = laptop.target()
    first = target.prepare(region=REGION, profile="mfa")
    assert first == target.reach(region=REGION, profile="mfa", account=PROD)
    assert [f"Enter MFA code for {DEVICE}: "] == laptop.questions
    assert ["AssumeRole", "GetCallerIdentity"] == laptop.aws.actions
    assert ["ASIAROLE", "secret of ROLE", "token of ROLE"] == keys_of(first)
    assert {"RoleArn": ROLE, "SerialNumber": DEVICE, "TokenCode": "123456"}.items() <= laptop.aws.asked[0].items()


def test_a_code_that_nobody_can_be_asked_for_is_said_with_the_command_that_helps(laptop: Laptop) -> None:
    """The AWS CLI keeps the session that it asks a code for."""
    laptop.code = None
    told = laptop.refusal(profile="mfa")
    assert ("profile mfa (an assumed role) wants the code of an MFA device, and there is no terminal.") == told.message
    assert "Run `aws sts get-caller-identity --profile mfa` on one first" in told.hint
    assert [] == laptop.aws.asked


@pytest.mark.parametrize(
    ("code", "told"),
    [("", "That is no code"), ("x y", "That is no code"), ("654321", "AWS refused the code of the MFA device.")],
)
def test_a_code_that_is_none_or_wrong_ends_the_run(laptop: Laptop, code: str, told: str) -> None:
    """AWS counts wrong codes: it is not asked a second time."""
    laptop.code = code
    refused = laptop.refusal(profile="mfa")
    assert (True, 1) == (told in refused.message, len(laptop.questions))
    assert "Run the command again with" in refused.hint


def test_a_session_that_the_aws_cli_keeps_is_used_and_none_is_written(laptop: Laptop) -> None:
    """So the code is asked for once an hour and not by each command."""
    kept = laptop.home / ".aws" / "cli" / "cache"
    laptop.prepare(profile="mfa")
    assert not kept.exists()
    kept.mkdir(parents=True)
    name = hashlib.sha1(
        json.dumps({"RoleArn": ROLE, "SerialNumber": DEVICE}, sort_keys=True).encode(), usedforsecurity=False
    ).hexdigest()
    session = {"AccessKeyId": "AKIAPROD", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": NEVER}
    (kept / f"{name}.json").write_text(json.dumps({"Credentials": session}))
    laptop.questions.clear()
    assert ["AKIAPROD", "s", "t"] == keys_of(laptop.prepare(profile="mfa"))
    assert ([], [f"{name}.json"]) == (laptop.questions, [path.name for path in kept.iterdir()])


def test_a_web_identity_of_ci_becomes_keys(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables that GitHub's and EKS's OIDC set; no child assumes the role a second time."""
    token = laptop.home / "token"
    token.write_text("signed by CI")
    for name, value in (
        ("AWS_WEB_IDENTITY_TOKEN_FILE", str(token)),
        ("AWS_ROLE_ARN", ROLE),
        ("AWS_ENDPOINT_URL", laptop.aws.url),
    ):
        monkeypatch.setenv(name, value)
        laptop.variables[name] = value
    environment = laptop.prepare(account=PROD)
    assert ["ASIAWEB", "secret of WEB", "token of WEB"] == keys_of(environment)
    assert "signed by CI" == laptop.aws.asked[0]["WebIdentityToken"]
    assert "AWS_WEB_IDENTITY_TOKEN_FILE" not in environment.process_variables(laptop.variables)
    assert "the web identity of AWS_ROLE_ARN" in laptop.refusal(account=STAGING).message


@pytest.mark.parametrize(
    ("shell", "profile"),
    [({}, "prodd"), ({"AWS_PROFILE": "prodd"}, ""), (KEYS, "prodd")],
    ids=["config", "shell", "keys"],
)
def test_a_profile_that_is_not_there_is_told_with_those_that_are(
    laptop: Laptop, shell: dict[str, str], profile: str
) -> None:
    """And the one that was probably meant."""
    laptop.variables |= shell
    told = laptop.refusal(profile=profile)
    assert (
        "The AWS settings have no profile prodd. Did you mean prod? There are: base, default, mfa, prod, role."
    ) == told.message
    assert "aws configure sso --profile prodd" in told.hint


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("AKIAEXPIRED", "the AWS credentials have expired."),
        ("AKIADELETED", "AWS does not know these credentials, or not any more (InvalidClientTokenId: said AWS)."),
    ],
)
def test_keys_that_ran_out_say_how_to_get_new_ones(laptop: Laptop, key: str, told: str) -> None:
    """Those of the shell are put there by the user, and the next run goes on."""
    laptop.variables |= {**KEYS, "AWS_ACCESS_KEY_ID": key, "AWS_ENDPOINT_URL": laptop.aws.url}
    refused = laptop.refusal()
    assert f"Asking AWS who these credentials are: {told}" == refused.message
    assert (
        "Put new ones into AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN."
        " Then run the same command again: it continues where this one stopped."
    ) == refused.hint


def test_a_profile_that_gives_nothing_is_named(laptop: Laptop) -> None:
    """With what its own program said."""
    laptop.settings("[profile broken]\ncredential_process = cat {home}/missing\n")
    told = laptop.refusal(profile="broken")
    assert told.message.startswith("Getting the credentials of profile broken: ")
    assert "missing" in told.message


def test_no_credentials_at_all_are_said_with_the_ways_to_some(laptop: Laptop) -> None:
    """`--target local` is one."""
    told = laptop.refusal()
    assert "Getting the credentials of this shell: Unable to locate credentials." == told.message
    assert "--target local" in told.hint


SSO = """import json, os, sys
from deployer.errors import DeployerError
from deployer.targets.aws import AwsTarget
try:
    found = AwsTarget(variables=dict(os.environ)).prepare(region="eu-west-1", profile="sso")
    print(json.dumps([found.account, found.log_in, found.variables["AWS_SESSION_TOKEN"]]))
except DeployerError as error:
    print(json.dumps([error.message, error.hint]))
"""


@pytest.mark.parametrize("kind", ["session", "start url"])
@pytest.mark.parametrize("state", ["valid", "expired", "none"])
def test_an_sso_session_is_used_and_its_end_is_said(laptop: Laptop, kind: str, state: str) -> None:
    """With the command that begins a new one. botocore knows where SSO's tokens are from when it is imported."""
    start, profile = "https://example.awsapps.com/start", f"sso_account_id = {PROD}\nsso_role_name = deploy\n"
    section = f"sso_start_url = {start}\nsso_region = {REGION}\n"
    named = f"[profile sso]\nendpoint_url = {{url}}\n{profile}"
    laptop.settings(
        f"{named}sso_session = work\n[sso-session work]\n{section}" if kind == "session" else f"{named}{section}"
    )
    cache = laptop.home / ".aws" / "sso" / "cache"
    cache.mkdir(parents=True)
    if state != "none":
        name = hashlib.sha1((start if kind == "start url" else "work").encode(), usedforsecurity=False).hexdigest()
        until = NEVER if state == "valid" else "2020-01-01T00:00:00Z"
        token = {"startUrl": start, "region": REGION, "accessToken": "bearer", "expiresAt": until}
        (cache / f"{name}.json").write_text(json.dumps(token))
    shell = {"HOME": str(laptop.home), "PATH": os.environ["PATH"], "AWS_EC2_METADATA_DISABLED": "true"}
    argv, shell = [sys.executable, "-c", SSO], {**shell, **laptop.variables}
    said = json.loads(subprocess.run(argv, env=shell, capture_output=True, timeout=60, check=True).stdout)
    if state == "valid":
        assert [PROD, "Run `aws sso login --profile sso` first.", "token of SSO"] == said
        return
    assert "Getting the credentials of profile sso: the SSO session has run out, or never began." == said[0]
    assert "Run `aws sso login --profile sso`. Then run the same command again." == said[1]


NEVER_ENDS = datetime.fromisoformat(NEVER.replace("Z", "+00:00")).timestamp()


@pytest.mark.parametrize(
    ("shell", "profile", "expires"),
    [
        ({}, "role", NEVER_ENDS),
        (KEYS, "", None),
        ({**KEYS, "AWS_CREDENTIAL_EXPIRATION": NEVER}, "", NEVER_ENDS),
        ({**KEYS, "AWS_CREDENTIAL_EXPIRATION": "soon"}, "", None),
        ({"AWS_CREDENTIAL_EXPIRATION": "2020-01-01T00:00:00Z"}, "base", None),
    ],
    ids=["role", "keys", "keys with their end", "keys with no time", "of other keys"],
)
def test_when_credentials_end_is_kept(
    laptop: Laptop, shell: dict[str, str], profile: str, expires: float | None
) -> None:
    """Nothing renews them within a run: a canary must not outlast them."""
    laptop.variables |= {**shell, "AWS_ENDPOINT_URL": laptop.aws.url}
    assert expires == laptop.prepare(profile=profile).expires


def test_keys_are_not_in_what_a_log_or_traceback_would_show(laptop: Laptop) -> None:
    """A value that is printed by mistake names where it comes from, and no more."""
    found = find_credentials(laptop.variables, region=REGION, profile="prod", ask=laptop.ask)
    assert isinstance(found, Credentials)
    assert [] == [text for text in ("AKIAPROD", "secret of prod", "token") if text in repr(found)]

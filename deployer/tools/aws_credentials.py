"""Whose credentials a run has: found once by botocore's own rules, then the same values for every tool.

They go to children as environment variables, and never into an argument, a file or a log.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from botocore import exceptions as botocore
from botocore.session import Session
from botocore.utils import JSONFileCache, ensure_boolean

from deployer.errors import DeployerError
from deployer.near_miss import near_miss
from deployer.tools.aws_errors import explained
from deployer.tools.aws_settings import SETTINGS, where_aws_is

# What would lead a child to other credentials than these.
HIDDEN = frozenset(
    {
        *("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_CREDENTIAL_EXPIRATION"),
        *("AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_WEB_IDENTITY_TOKEN_FILE"),
        *("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
        *("AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
    }
)
READ = {"ca_bundle": None, "use_fips_endpoint": ensure_boolean, "use_dualstack_endpoint": ensure_boolean}
KINDS = {
    "assume-role": "an assumed role",
    "assume-role-with-web-identity": "a role by web identity",
    "custom-process": "a credential process",
    "login": "a console login",
    "sso": "SSO",
}
ELSEWHERE = {  # botocore's names of what no profile leads to
    "explicit": "the keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "container-role": "the role of this container",
    "iam-role": "the role of this machine",
}
NEXT_CODE = "Run the command again with the code that the device shows next."
CLI_SESSIONS = "~/.aws/cli/cache"

Ask = Callable[[str], "str | None"]


@dataclass(frozen=True)
class Credentials:
    """`source` says in words where they come from, `log_in` in a sentence how the user gets new ones.

    `expires`: seconds since the epoch, None where they do not expire or where that is not known.
    """

    source: str
    log_in: str
    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)
    settings: Mapping[str, str] = field(default_factory=dict)  # of the profile, as variables
    expires: float | None = None

    @property
    def variables(self) -> dict[str, str]:
        """What makes a tool use these."""
        token = {"AWS_SESSION_TOKEN": self.session_token} if self.session_token else {}
        keys = {"AWS_ACCESS_KEY_ID": self.access_key_id, "AWS_SECRET_ACCESS_KEY": self.secret_access_key}
        return {**self.settings, **keys, **token}


def find_credentials(variables: Mapping[str, str], *, region: str, profile: str = "", ask: Ask) -> Credentials:
    """The credentials of `profile`, else of AWS_PROFILE, else the shell's: keys, SSO, roles, web identity, machine.

    `ask` gets the code of an MFA device; None where there is nobody to ask. Raises DeployerError with the command that
    mends it.
    """
    source = _Source(profile or _named_profile(variables) or "", variables)
    with source.explained():
        session = _session_of_files(variables, region, profile)
        _ask_for_codes(session, source, ask)
        found = session.get_credentials()
        if found is None:
            raise botocore.NoCredentialsError
        keys = found.get_frozen_credentials()
        return Credentials(
            source=source.described(str(found.method)),
            log_in=source.log_in(str(found.method)),
            access_key_id=keys.access_key,
            secret_access_key=keys.secret_key,
            session_token=keys.token or "",
            settings=where_aws_is(session, variables, profile=source.profile),
            expires=_expires(found, variables),
        )


def aws_session(variables: Mapping[str, str], region: str) -> Session:
    """A session of the keys among the variables of a run; without any, of what botocore's own rules find.

    With keys no file of AWS's settings is read: what counts of them is among the variables, and what the default
    profile says need not be of these keys.
    """
    key, secret = variables.get("AWS_ACCESS_KEY_ID"), variables.get("AWS_SECRET_ACCESS_KEY")
    if not (key and secret):
        return _session_of_files(variables, region, "")
    no_files = dict.fromkeys(("config_file", "credentials_file"), (None, None, os.devnull, None))
    session = Session(session_vars={**_where_from(variables, region, None), **no_files})
    session.set_credentials(key, secret, variables.get("AWS_SESSION_TOKEN"))
    return session


def _session_of_files(variables: Mapping[str, str], region: str, profile: str) -> Session:
    """botocore's own rules, with what it would look up in the process's environment taken from `variables`.

    A `profile` counts for more than keys among the variables, and AWS_PROFILE for less.
    """
    session = Session(session_vars=_where_from(variables, region, _named_profile(variables)))
    key, secret = variables.get("AWS_ACCESS_KEY_ID"), variables.get("AWS_SECRET_ACCESS_KEY")
    if profile:
        session.set_config_variable("profile", profile)
    elif key and secret:
        session.set_credentials(key, secret, variables.get("AWS_SESSION_TOKEN"))
    else:
        session.get_component("credential_provider").remove("env")
    return session


def _named_profile(variables: Mapping[str, str]) -> str | None:
    return variables.get("AWS_PROFILE") or variables.get("AWS_DEFAULT_PROFILE") or None


def _where_from(variables: Mapping[str, str], region: str, profile: str | None) -> dict[str, Any]:
    """botocore's `session_vars`: a key of the profile, a variable of the process (none), and what counts else."""
    found = variables.get

    def said(key: str) -> str | None:  # by the shell, which counts for more than a profile
        return found(SETTINGS[key])

    return {
        "profile": (None, None, profile, None),
        "region": ("region", None, region, None),
        "config_file": (None, None, found("AWS_CONFIG_FILE") or "~/.aws/config", None),
        "credentials_file": (None, None, found("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials", None),
        **{key: (None if said(key) else key, None, said(key), kind) for key, kind in READ.items()},
    }


@dataclass(frozen=True)
class _Source:
    """Where credentials are looked for: a profile by its name, or, where that is empty, whatever is there."""

    profile: str
    variables: Mapping[str, str]

    def described(self, method: str) -> str:
        if method in ELSEWHERE:
            return ELSEWHERE[method]
        kind = f" ({KINDS[method]})" if method in KINDS else ""
        if not self.profile and method == "assume-role-with-web-identity":
            return "the web identity of AWS_ROLE_ARN"
        return f"profile {self.profile or 'default'}{kind}"

    def log_in(self, method: str) -> str:
        if method == "explicit":
            return "Put new ones into AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN."
        if method in ("sso", "login"):
            return f"Run `{self.command('sso login' if method == 'sso' else 'login')}` first."
        if method in KINDS or method in ELSEWHERE:
            return "Each run gets new ones."
        return f"Put new ones into {self.described(method)} of the AWS settings."

    def command(self, words: str) -> str:
        """A command of the AWS CLI for this profile."""
        return f"aws {words}{f' --profile {self.profile}' if self.profile else ''}"

    @contextmanager
    def explained(self) -> Iterator[None]:
        """What goes wrong on the way to credentials, with the command that mends it."""
        doing = f"Getting the credentials of {f'profile {self.profile}' if self.profile else 'this shell'}"
        again = "Then run the same command again."
        with explained(doing, log_in=f"Run `{self.command('configure list')}` to see what is set."):
            try:
                yield
            except botocore.ProfileNotFound:
                raise self._no_profile() from None
            except (botocore.SSOError, botocore.UnauthorizedSSOTokenError, botocore.TokenRetrievalError) as error:
                problem = f"{doing}: the SSO session has run out, or never began."
                raise DeployerError(problem, hint=f"Run `{self.command('sso login')}`. {again}") from error
            except botocore.ClientError as error:
                if "MultiFactorAuthentication" not in str(error):
                    raise
                raise DeployerError(f"{doing}: AWS refused the code of the MFA device.", hint=NEXT_CODE) from error
            except botocore.LoginError as error:
                problem = f"{doing}: the login has run out, or never was."
                raise DeployerError(problem, hint=f"Run `{self.command('login')}`. {again}") from error

    def _no_profile(self) -> DeployerError:
        known = sorted(Session(session_vars=_where_from(self.variables, "", None)).available_profiles)
        listed = f" There are: {', '.join(known)}." if known else " There is none."
        return DeployerError(
            f"The AWS settings have no profile {self.profile}.{near_miss(self.profile, known)}{listed}",
            hint=f"Run `aws configure sso --profile {self.profile}`, or name another one: `profile` in the config"
            " counts for more than AWS_PROFILE.",
        )


def _ask_for_codes(session: Session, source: _Source, ask: Ask) -> None:
    """How an assumed role comes to the code of an MFA device: the AWS CLI's session of that role, else the user."""

    def code(question: str) -> str:
        given = ask(question)
        if given is None:
            problem = f"{source.described('assume-role')} wants the code of an MFA device, and there is no terminal."
            hint = f"Run `{source.command('sts get-caller-identity')}` on one first: the session that it keeps is used."
            raise DeployerError(problem, hint=hint)
        if not given.strip().isdecimal():
            problem = "That is no code of an MFA device: it has six digits."
            raise DeployerError(problem, hint=NEXT_CODE)
        return given.strip()

    provider = session.get_component("credential_provider").get_provider("assume-role")
    provider.cache, provider._prompter = _CliSessions(str(Path(CLI_SESSIONS).expanduser())), code


class _CliSessions(JSONFileCache):  # type: ignore[misc]
    """Sessions of assumed roles that the AWS CLI keeps. They are read: nothing of deployer's is written there."""

    def __setitem__(self, cache_key: str, value: object) -> None: ...


def _expires(found: Any, variables: Mapping[str, str]) -> float | None:
    """When botocore would renew them at the latest; of keys in the shell what AWS's own tools note beside them."""
    moment = getattr(found, "_expiry_time", None)
    if moment is None and found.method == "explicit":
        with suppress(ValueError):
            moment = datetime.fromisoformat(variables.get("AWS_CREDENTIAL_EXPIRATION", "").replace("Z", "+00:00"))
    return None if moment is None else moment.timestamp()

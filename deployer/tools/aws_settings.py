"""Where AWS is, as a profile of AWS's settings says it: variables for the tools of a run, which see no profile."""

from __future__ import annotations

from collections.abc import Mapping

from botocore.session import Session

# Keys of a profile, and the variables that say the same.
SETTINGS = {
    "ca_bundle": "AWS_CA_BUNDLE",
    "endpoint_url": "AWS_ENDPOINT_URL",
    "use_fips_endpoint": "AWS_USE_FIPS_ENDPOINT",
    "use_dualstack_endpoint": "AWS_USE_DUALSTACK_ENDPOINT",
}
IGNORE = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"
# What the default profile may say beside a named one, and how a tool is told not to listen. For a CA there is no such
# word: that of the default profile counts for terraform and bentoctl where the named one has none.
UNSAID = {
    "endpoint_url": (IGNORE, "true"),
    "services": (IGNORE, "true"),
    "use_fips_endpoint": ("AWS_USE_FIPS_ENDPOINT", "false"),
    "use_dualstack_endpoint": ("AWS_USE_DUALSTACK_ENDPOINT", "false"),
}


def where_aws_is(session: Session, variables: Mapping[str, str], *, profile: str) -> dict[str, str]:
    """What the session's profile says where the shell does not; what the default one says beside it is unsaid.

    `profile` is its name, empty where none is named. Raises botocore's ProfileNotFound.
    """
    settings, shell = session.get_scoped_config(), {name: value for name, value in variables.items() if value}
    ignored = "endpoint_url" if shell.get(IGNORE, "").lower() == "true" else ""
    said = {
        name: str(settings[key])
        for key, name in SETTINGS.items()
        if key in settings and key != ignored and name not in shell
    }
    return {**_unsaid(session, {**shell, **said}, profile=profile), **said}


def _unsaid(session: Session, said: Mapping[str, str], *, profile: str) -> dict[str, str]:
    """An address that is said is ignored too where addresses are: it counts for more than the default profile's."""
    default = {} if profile in ("", "default") else session.full_config["profiles"].get("default", {})
    has_address = any(name.startswith(SETTINGS["endpoint_url"]) for name in said)
    return {
        name: word
        for key, (name, word) in UNSAID.items()
        if key in default and name not in said and not (has_address and name == IGNORE)
    }

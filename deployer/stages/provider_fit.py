"""What depends on terraform's AWS provider: parts of a template for newer ones, and what older ones cannot express."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from deployer.config import DeploymentConfig
from deployer.drift import Drift
from deployer.releases import LIVE
from deployer.tools.aws_adoption import STATEMENTS
from deployer.tools.aws_url_policy import INVOKE, STRAYS, TERRAFORMS, UrlPolicy
from deployer.tools.terraform import Terraform

NEWER = "newer_provider"
PUT_RIGHT = "`deployer up --refresh` puts that right"


def fit_template(terraform: Terraform) -> None:
    """Put a template's parts for newer providers beside its other files, or take them away again.

    The provider in use is asked, once it is installed: whether it can narrow a permission to invocations through a
    Function URL (6.29 on).
    """
    parts = _parts(terraform.path)
    if not parts:
        return
    newer = terraform.supports("aws_lambda_permission", "invoked_via_function_url")
    for part in parts:
        beside = terraform.path / part.name
        if newer:
            shutil.copyfile(part, beside)
        else:
            beside.unlink(missing_ok=True)


def importable(imports: Mapping[str, str], terraform: Terraform) -> dict[str, str]:
    """Those whose addresses the fitted template has."""
    narrowed, own = _says_url_invocations(terraform.path), STATEMENTS[TERRAFORMS]
    return {address: identity for address, identity in imports.items() if narrowed or address != own}


def keep_url_public(config: DeploymentConfig, policy: UrlPolicy, *, folder: Path) -> None:
    """Before an apply in `folder`: a URL that is public and stays so loses no permission on the way."""
    gives, _ = _not_terraforms(folder, public=_is_public(config))
    if gives and policy.of("PublicUrl"):
        policy.allow_invoke()


def settle_url_policy(config: DeploymentConfig, policy: UrlPolicy, *, folder: Path) -> tuple[str, ...]:
    """After an apply in `folder`: the permissions of `live` that terraform does not keep; what was done, in words.

    What the provider adds by itself goes where the URL is public too: deployer's two statements say the same.
    """
    gives, takes = _not_terraforms(folder, public=_is_public(config))
    removed = tuple(f"The permission {statement} of live is taken away" for statement in policy.remove(*takes))
    if gives and policy.allow_invoke():
        return (*removed, f"The permission {INVOKE} of live is given through Lambda's API")
    return removed


def url_policy_drift(policy: UrlPolicy, *, folder: Path, public: bool) -> Iterator[Drift]:
    """What `settle_url_policy` would do now where the URL is as the state says."""
    gives, takes = _not_terraforms(folder, public=public)
    for statement in policy.of(*takes):
        yield Drift(LIVE, "changed", f"something else added the permission {statement}; {PUT_RIGHT}")
    if gives and not policy.allows_invoke():
        yield Drift(LIVE, "deleted", f"the permission {INVOKE} is gone, so its URL answers 403; {PUT_RIGHT}")


def _is_public(config: DeploymentConfig) -> bool:
    return config.spec.endpoint == "function_url" and config.spec.auth == "none"


def _not_terraforms(folder: Path, *, public: bool) -> tuple[bool, tuple[str, ...]]:
    """Whether deployer gives the permission to invoke through the URL, and which statements it takes away."""
    if _says_url_invocations(folder):
        return False, (*STRAYS, INVOKE)
    return public, (*STRAYS, TERRAFORMS) if public else (*STRAYS, TERRAFORMS, INVOKE)


def _says_url_invocations(folder: Path) -> bool:
    return any((folder / part.name).exists() for part in _parts(folder))


def _parts(folder: Path) -> tuple[Path, ...]:
    return tuple((folder / NEWER).glob("*.tf"))

"""Which base image a name stands for now."""

from __future__ import annotations

from collections.abc import Mapping

from deployer.errors import DeployerError

# Debian 12: glibc 2.36, and the wheels are for 2.28 or newer. AWS's own mirror of the official image: no rate limits.
DEFAULT_BASE = "public.ecr.aws/docker/library/python:{python}-slim-bookworm"


def base_digest(reference: str, *, variables: Mapping[str, str], known: str = "") -> str:
    """The digest that the reference's registry has for it now; `known` where the registry does not say.

    A build says why it does not, and uses the image as it was pulled before where there is one.
    """
    if reference == "none" or "@" in reference:
        return reference
    from deployer.tools.image_reference import parse_reference
    from deployer.tools.registry_login import login_for
    from deployer.tools.registry_pull import ImageSource

    named = parse_reference(reference)
    try:
        source = ImageSource(named, login=login_for(named.host, variables), variables=variables)
        return source.current_digest() or known
    except DeployerError:
        return known

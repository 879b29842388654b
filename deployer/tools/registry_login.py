"""Who logs in to a registry: the user's Docker configuration, and for ECR the AWS credentials of the environment."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from deployer.errors import DeployerError
from deployer.tools.registry_auth import IDENTITY_TOKEN, Login

ECR = re.compile(r"\d{12}\.dkr\.ecr(-fips)?\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?")
DOCKER_HUB = ("registry-1.docker.io", "docker.io", "index.docker.io")


def login_for(host: str, variables: Mapping[str, str], *, registry_url: str | None = None) -> Login:
    """The login for the registry `host`, to push or to pull. `registry_url` is the address that stands for it.

    An address that stands for another host gets no login that Docker keeps for that host.
    """
    ecr = ECR.fullmatch(host)
    if ecr is not None:
        return _EcrLogin(host, ecr["region"], variables, registry_url)
    return docker_login(urlsplit(registry_url).netloc if registry_url else host, variables)


def docker_login(host: str, variables: Mapping[str, str]) -> Login:
    """What `docker login` left for this host, credential helpers included; None where there is nothing.

    When called it raises DeployerError for a configuration that cannot be read and a helper that fails.
    """
    return lambda: _docker_credentials("docker.io" if host in DOCKER_HUB else host, variables)


@dataclass
class _EcrLogin:
    """Docker's login first. It runs out after twelve hours and stays in the file: asked again, AWS gives a new one."""

    host: str
    region: str
    variables: Mapping[str, str]
    registry_url: str | None
    asked: bool = False

    def __call__(self) -> tuple[str, str] | None:
        again, self.asked = self.asked, True
        found = None if again or self.registry_url else self._of_docker()
        if found is not None:
            return found
        from deployer.targets import Environment
        from deployer.tools.aws import Aws

        environment = Environment(target="aws", region=self.region, registry_url=self.registry_url)
        return Aws(environment, self.variables).registry_credentials()

    def _of_docker(self) -> tuple[str, str] | None:
        try:
            return _docker_credentials(self.host, self.variables)
        except DeployerError:
            return None  # AWS's own credentials do without Docker's configuration


def _docker_credentials(host: str, variables: Mapping[str, str]) -> tuple[str, str] | None:
    path = _config_file(variables)
    document = _read(path) if path is not None else None
    if not document:  # given nothing, docker.auth would look for files of its own
        return None
    from docker.auth import AuthConfig

    try:
        config = AuthConfig.load_config(None, document, credstore_env=dict(variables))
    except Exception as error:  # docker's own errors, and those of base64 and UTF-8
        raise _unreadable(path, "an entry in it is not as `docker login` writes them") from error
    entry = _entry(config, host)
    if entry.get("IdentityToken"):
        return IDENTITY_TOKEN, str(entry["IdentityToken"])
    user = entry.get("username") or entry.get("Username")
    password = entry.get("password") or entry.get("Password")
    return (str(user), str(password)) if user and password else None


def _entry(config: Any, host: str) -> Mapping[str, Any]:
    from docker.errors import DockerException

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a helper is missing, which the error below says
            return config.resolve_authconfig(host) or {}
    except (DockerException, ValueError, KeyError, TypeError) as error:  # the latter: no JSON, or not the fields
        helper = f"docker-credential-{config.get_credential_store(host)}"
        raise DeployerError(
            f"The credential helper {helper}, which Docker's configuration names for {host}, gave no login.",
            hint=f"`echo {host} | {helper} get` shows why. It must be on the PATH; `docker login {host}` fills it.",
        ) from error


def _config_file(variables: Mapping[str, str]) -> Path | None:
    folder = variables.get("DOCKER_CONFIG")
    if not folder and not variables.get("HOME"):
        return None
    return Path(folder, "config.json") if folder else Path(variables["HOME"], ".docker", "config.json")


def _read(path: Path) -> dict[str, Any] | None:
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(path, error.strerror or "it cannot be opened") from error
    except ValueError as error:
        raise _unreadable(path, "it is not JSON") from error
    if not isinstance(document, dict):
        raise _unreadable(path, "it is not a JSON object")
    return document


def _unreadable(path: Path | None, reason: str) -> DeployerError:
    return DeployerError(
        f"Docker's configuration {path} cannot be read: {reason}.",
        hint="Repair the file or move it away; without it, registries are asked without a login.",
    )

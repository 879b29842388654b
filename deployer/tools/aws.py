"""The door to AWS, and the only import of boto3. Every setting comes from the mapping handed in, none is written to
the process's own environment.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import ClientError, NoCredentialsError

from deployer.config import DeploymentConfig
from deployer.errors import DeployerError
from deployer.models import Invoked
from deployer.targets import Environment
from deployer.tools import aws_adoption, aws_http_api, aws_invoke, aws_leftovers, aws_logs
from deployer.tools.aws_credentials import aws_session
from deployer.tools.aws_errors import code, explained
from deployer.tools.aws_http import VersionHttp
from deployer.tools.aws_images import Images
from deployer.tools.aws_leftovers import OWNER_TAG
from deployer.tools.aws_metrics import ReleaseMetrics
from deployer.tools.aws_releases import Releases
from deployer.tools.aws_removal import Removal
from deployer.tools.aws_state_bucket import StateBucket
from deployer.tools.aws_upstream import UpstreamAws
from deployer.tools.aws_url_policy import UrlPolicy
from deployer.tools.upstream_state import UpstreamDeployment

_COLD_START = 60  # seconds: the image of a large model is loaded before the function's own limit counts


@dataclass(frozen=True)
class Identity:
    """Whose credentials these are."""

    account: str
    arn: str


class Aws:
    """AWS of one environment; `variables` are the user's environment variables.

    Every method raises DeployerError with a hint where AWS refuses or cannot be reached.
    """

    def __init__(self, environment: Environment, variables: Mapping[str, str]) -> None:
        self._region, self._log_in = environment.region, environment.log_in
        self._account = environment.account
        self._variables = environment.process_variables(variables)
        self._clients: dict[str, Any] = {}

    def identity(self) -> Identity:
        with self._explained("Asking AWS who these credentials are"):
            answer = self._client("sts").get_caller_identity()
        return Identity(account=answer["Account"], arn=answer["Arn"])

    def image_digest(self, repository: str, tag: str) -> str | None:
        """The manifest digest of a tag in an ECR repository (its name, not its URI), None when there is none."""
        with self._explained(f"Looking up {repository}:{tag} in ECR"):
            try:
                found = self._client("ecr").describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])
            except ClientError as error:
                if code(error) in {"RepositoryNotFoundException", "ImageNotFoundException"}:
                    return None
                raise
        return str(found["imageDetails"][0]["imageDigest"])

    def repository_uri(self, repository: str) -> str:
        """The URI of an ECR repository, `ACCOUNT.dkr.ecr.REGION.…/NAME`; empty where there is none."""
        with self._explained(f"Looking up the ECR repository {repository}"):
            try:
                found = self._client("ecr").describe_repositories(repositoryNames=[repository])
            except ClientError as error:
                if code(error) == "RepositoryNotFoundException":
                    return ""
                raise
        return str(found["repositories"][0]["repositoryUri"])

    def registry_credentials(self) -> tuple[str, str]:
        """User and password for the registry, good for twelve hours."""
        with self._explained("Asking ECR for the registry's credentials"):
            answer = self._client("ecr").get_authorization_token()
        token = base64.b64decode(answer["authorizationData"][0]["authorizationToken"]).decode()
        user, _, password = token.partition(":")
        return user, password

    def removal(self, name: str) -> Removal:
        """Deleting what is left of a deployment."""
        return Removal(self._client, name, region=self._region, explained=self._explained)

    def state_bucket(self, bucket: str) -> StateBucket:
        """The bucket of terraform's states, which has to be of the account of these credentials."""
        s3, account = self._client("s3"), self._account or self.identity().account
        tls = s3.meta.endpoint_url.startswith("https:")
        return StateBucket(s3, bucket, account=account, explained=self._explained, tls=tls)

    def leftovers(self, name: str, *, repository: str) -> tuple[str, ...]:
        """What is still there of a deployment, by tag and by name, one line each: `ECR repository digits`."""
        with self._explained(f"Looking for what is left of {name}"):
            return aws_leftovers.find(self._client, name=name, region=self._region, repository=repository)

    def function_owner(self, name: str) -> str | None:
        """The deployment a function is tagged for; empty where it has no such tag, None where it does not exist."""
        with self._explained(f"Asking whose function {name} is"):
            return aws_adoption.function_owner(self._client, name)

    def existing(self, config: DeploymentConfig) -> dict[str, str]:
        """What is there of a deployment: terraform import ids by the template's resource addresses."""
        with self._explained(f"Looking for what is there of {config.name}"):
            return aws_adoption.existing(self._client, config)

    def upstream(self, deployment: UpstreamDeployment) -> UpstreamAws:
        """A deployment by upstream bentoctl, to take it over or to remove it."""
        return UpstreamAws(self._client, deployment, self._explained)

    def releases(self, function: str) -> Releases:
        """The function's versions and aliases."""
        return Releases(self._client("lambda"), function, self._explained)

    def url_policy(self, function: str) -> UrlPolicy:
        """Who may ask the Function URL of the alias `live`, beside what terraform keeps."""
        return UrlPolicy(self._client("lambda"), function, self._explained)

    def http_api_endpoint(self, name: str, *, stage: str) -> str:
        """The base URL of the deployment's HTTP API; empty where there is none."""
        with self._explained(f"Looking for the HTTP API {name}"):
            return aws_http_api.endpoint(self._client("apigatewayv2"), name, stage=stage)

    def release_metrics(self, function: str) -> ReleaseMetrics:
        """What each version behind the function's alias `live` did."""
        return ReleaseMetrics(self._client("cloudwatch"), function, self._explained)

    def images(self, repository: str) -> Images:
        """The images of an ECR repository (its name, not its URI)."""
        return Images(self._client("ecr"), repository, self._explained)

    def version_http(self, function: str, version: str) -> VersionHttp:
        """HTTP to one version of a function, by Invoke; each request is sent once."""

        def lambda_(seconds: float) -> Any:
            return self._new_client("lambda", attempts=1, read_timeout=seconds)

        return VersionHttp(lambda_, function, version, region=self._region, explained=self._explained)

    def invoke(self, function: str, payload: bytes, *, seconds: int) -> Invoked:
        """Ask the version that is live, once: a request that was run must not be run again. Failures of the function
        itself are in the result. `seconds` is the function's own limit; a cold start may come on top.
        """
        client = self._new_client("lambda", attempts=1, read_timeout=seconds + _COLD_START)
        with self._explained(f"Invoking {function}"):
            try:
                return aws_invoke.invoke(client, function, payload)
            except ClientError as error:
                if code(error) != "ResourceNotFoundException":
                    raise
                problem = f"There is no function {function} with an alias {aws_invoke.ALIAS} in {self._region}."
                raise DeployerError(problem, hint="Run `deployer up` again, which makes what is missing.") from error

    def recent_logs(self, name: str, *, version: str = "", limit: int = 20) -> tuple[str, ...]:
        """The last lines of a function's log, oldest first, with `version` of that version's alone."""
        with self._explained(f"Reading the log of {name}"):
            return aws_logs.recent(self._client("logs"), log_group(name), version=version, limit=limit)

    def sign(
        self, *, method: str, url: str, headers: Mapping[str, str], body: bytes, service: str = "lambda"
    ) -> dict[str, str]:
        """The headers of the request with AWS's signature (version 4):
        `lambda` for a Function URL, `execute-api` for an HTTP API.
        """
        with self._explained(f"Signing a request to {url}"):
            credentials = self._session.get_credentials()
            if credentials is None:
                raise NoCredentialsError
            request = AWSRequest(method=method, url=url, headers=dict(headers), data=body)
            SigV4Auth(credentials.get_frozen_credentials(), service, self._region).add_auth(request)
        return dict(request.headers.items())

    def _client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self._new_client(service, attempts=4, read_timeout=60)
        return self._clients[service]

    def _new_client(self, service: str, *, attempts: int, read_timeout: float) -> Any:
        config = Config(
            retries={"mode": "standard", "total_max_attempts": attempts},
            connect_timeout=10,
            read_timeout=read_timeout,
            tcp_keepalive=True,
            proxies={} if _is_loopback(self._endpoint) else None,
        )
        with self._explained(f"Preparing AWS {service}"):
            return self._session.client(service, endpoint_url=self._endpoint, config=config)

    @cached_property
    def _session(self) -> boto3.Session:
        with self._explained("Reading the AWS settings"):
            return boto3.Session(botocore_session=aws_session(self._variables, self._region), region_name=self._region)

    @property
    def _endpoint(self) -> str | None:
        return self._variables.get("AWS_ENDPOINT_URL")

    def _explained(self, doing: str) -> Any:
        return explained(doing, endpoint=self._endpoint, log_in=self._log_in)


def log_group(name: str) -> str:
    return f"/aws/lambda/{name}"


def _is_loopback(url: str | None) -> bool:
    return urlsplit(url or "").hostname in {"127.0.0.1", "localhost", "::1"}


__all__ = ["OWNER_TAG", "Aws", "Identity", "log_group"]

"""The local AWS's control plane, registry and function URLs in this process, without runtime processes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import boto3
from local_aws import HOST, MANIFEST, REGION, digest_of
from moto.apigatewayv2.models import apigatewayv2_backends
from moto.awslambda.models import lambda_backends
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.ecr.models import ecr_backends
from moto.iam.models import iam_backends
from moto.logs.models import logs_backends

from deployer.local import moto_apis
from deployer.local.alias_routing import AliasRouting
from deployer.local.blobs import Blobs
from deployer.local.control_parts import control_parts
from deployer.local.data_plane import DataPlane
from deployer.local.endpoints import Endpoint, Gateway
from deployer.local.execution_environment import ExecutionEnvironment
from deployer.local.function_urls import FunctionUrls
from deployer.local.functions import FunctionName, FunctionVersion
from deployer.local.http_apis import HttpApis
from deployer.local.image_labels import labels_of
from deployer.local.invocation import Answer, CannotRun, Invocation
from deployer.local.invoke_api import InvokeApi
from deployer.local.metrics import Metrics
from deployer.local.moto_aws import MotoAws, RequestHandler
from deployer.local.registry import Registry
from deployer.local.server import Deferred, Listener
from deployer.local.signature import Keys
from deployer.local.url_configs import UrlConfigs

KEYS = Keys("AKIALOCAL", "secret")


@dataclass
class VersionInvoker:
    """A data plane whose every function answers with the number of its version."""

    invoked: list[FunctionVersion] = field(default_factory=list)

    def invoke(self, version: FunctionVersion, invocation: Invocation, *, want_log: bool = False) -> Answer:
        self.invoked.append(version)
        return Answer(json.dumps(version.version).encode(), version.version, invocation.request_id)


def cannot_start(version: FunctionVersion) -> ExecutionEnvironment:
    raise CannotRun(f"Nothing is run here: {version}")


class LocalEndpoint:
    """Answers at both addresses, on ports of their own, until `close`."""

    def __init__(self, folder: Path) -> None:
        control, gate = Deferred(), Deferred()
        self._listeners = (Listener(control, handler=RequestHandler), Listener(gate))
        self.endpoint, self.gateway = (f"http://127.0.0.1:{listener.port}" for listener in self._listeners)
        aws, urls, invoker, self.blobs = MotoAws(), UrlConfigs(), VersionInvoker(), Blobs(folder)
        self._urls = urls
        self._data_plane = DataPlane(aws, starter=cannot_start)
        routing = AliasRouting(aws, Random(1))  # noqa: S311 - shares of traffic, no secret
        parts = control_parts(
            aws,
            self._data_plane,
            urls,
            InvokeApi(routing, invoker),
            Metrics(),
            gateway=self.gateway,
            labels=partial(labels_of, self.blobs),
        )
        control.set(Endpoint(parts, aws.application, KEYS).answer)
        function_urls = FunctionUrls(aws, routing, invoker, urls, KEYS)
        apis = HttpApis(aws, routing, invoker, moto_apis.find, KEYS)
        gate.set(Gateway(Registry(self.blobs, aws), function_urls, apis, dict).answer)

    def close(self) -> None:
        """Stop answering and forget everything."""
        self._data_plane.close()
        for listener in self._listeners:
            listener.close()
            listener.wait_until_closed()
        self.forget()

    def forget(self) -> None:
        """What a restart does to everything that is there."""
        for function in lambda_backends[DEFAULT_ACCOUNT_ID][REGION].list_functions():
            self._urls.delete_function(FunctionName(DEFAULT_ACCOUNT_ID, REGION, function.function_name))
        for backend in (lambda_backends, ecr_backends, logs_backends, apigatewayv2_backends):
            backend[DEFAULT_ACCOUNT_ID][REGION].reset()
        iam_backends[DEFAULT_ACCOUNT_ID]["aws"].reset()

    def aws(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=KEYS.access_key_id,
            aws_secret_access_key=KEYS.secret_access_key,
            config=boto3.session.Config(retries={"total_max_attempts": 1}),
        )

    def image(
        self, repository: str, text: str, *, tag: str | None = None, labels: Mapping[str, str] | None = None
    ) -> str:
        """An image of one layer in a repository that is made where it is missing; the image's URI by digest."""
        ecr, layer = self.aws("ecr"), self.blobs.add(text.encode())
        if repository not in [one["repositoryName"] for one in ecr.describe_repositories()["repositories"]]:
            ecr.create_repository(repositoryName=repository)
        part = {"digest": layer, "size": len(text)}
        config = {**part, "digest": self.blobs.add(json.dumps({"config": {"Labels": labels}}).encode())}
        manifest = json.dumps(
            {"schemaVersion": 2, "mediaType": MANIFEST, "config": config if labels else part, "layers": [part]}
        )
        digest = self.blobs.add(manifest.encode())
        named = {"imageTag": tag} if tag else {}
        ecr.put_image(repositoryName=repository, imageManifest=manifest, imageDigest=digest, **named)
        assert digest_of(manifest.encode()) == digest
        return f"{HOST}/{repository}@{digest}"

    def function(self, name: str, **settings: Any) -> Any:
        """Create a function with version 1; the client of Lambda."""
        iam = self.aws("iam")
        if "functions" not in [role["RoleName"] for role in iam.list_roles()["Roles"]]:
            iam.create_role(RoleName="functions", AssumeRolePolicyDocument="{}")
        role = iam.get_role(RoleName="functions")["Role"]["Arn"]
        functions, code = self.aws("lambda"), {"ImageUri": self.image(name, f"{name} 1")}
        functions.create_function(
            **{"FunctionName": name, "Role": role, "PackageType": "Image", "Code": code, "Publish": True, **settings}
        )
        return functions

"""Everything behind the daemon's two addresses, put together once. Importing this imports moto."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any

import psutil

from deployer.image.unpacked import hold
from deployer.local import address as addresses
from deployer.local import moto_apis
from deployer.local.address import Folders
from deployer.local.alias_routing import AliasRouting
from deployer.local.blobs import Blobs
from deployer.local.control_parts import control_parts
from deployer.local.data_plane import DataPlane
from deployer.local.endpoints import Endpoint, Gateway
from deployer.local.function_logs import FunctionLogs
from deployer.local.function_urls import FunctionUrls
from deployer.local.http_apis import HttpApis
from deployer.local.image_files import ImageFiles
from deployer.local.image_labels import labels_of
from deployer.local.interpreters import Interpreters
from deployer.local.invoke_api import InvokeApi
from deployer.local.lambda_metrics import Measured
from deployer.local.metrics import Metrics
from deployer.local.moto_aws import MotoAws, RequestHandler
from deployer.local.registry import Registry
from deployer.local.runtime_process import Spawner
from deployer.local.server import Deferred, listen
from deployer.local.signature import Keys
from deployer.local.starter import EnvironmentStarter
from deployer.local.url_configs import UrlConfigs
from deployer.tools.process import Processes
from deployer.tools.sandbox import probe


class Services:
    """Answers from the moment it is made, and the address file says where, until `close`."""

    def __init__(self, folders: Folders) -> None:
        self._aws = MotoAws()
        self._isolation = probe(folders.state / "sandbox", runner=Processes())
        self._logs = FunctionLogs(self._aws)
        self._spawner = Spawner()
        self._urls = UrlConfigs()
        control, gate = Deferred(), Deferred()
        asked = addresses.next_address(
            addresses.read(folders.state), pid=os.getpid(), created=psutil.Process().create_time()
        )
        self._endpoint = listen(control, port=asked.endpoint_port, handler=RequestHandler)
        self._gateway = listen(gate, port=asked.gateway_port)
        self.address = replace(asked, endpoint_port=self._endpoint.port, gateway_port=self._gateway.port)
        self._connect(folders, control, gate)
        addresses.write(folders.state, self.address)

    def close(self) -> None:
        """Stop listening, end every runtime process, and return when both ports are free and all processes gone."""
        listeners = (self._endpoint, self._gateway)
        for listener in listeners:
            listener.close()
        self._data_plane.close()
        self._logs.close()
        self._spawner.close()
        self._hold.close()
        for listener in listeners:
            listener.wait_until_closed()

    def _connect(self, folders: Folders, control: Deferred, gate: Deferred) -> None:
        blobs = Blobs(folders.state / "blobs")
        blobs.forget_uploads()
        keys = Keys(self.address.access_key_id, self.address.secret_access_key)
        images = ImageFiles(blobs, folders.cache)
        images.forget_unused(now=time.time())
        self._hold = hold(folders.cache)
        self._data_plane = DataPlane(self._aws, starter=self._starter(folders, images))
        metrics = Metrics()
        routing = AliasRouting(self._aws, Random())  # noqa: S311 - shares of traffic, no secret
        measured = Measured(self._data_plane, metrics, clock=time.time)
        urls = FunctionUrls(self._aws, routing, measured, self._urls, keys)
        apis = HttpApis(self._aws, routing, measured, moto_apis.find, keys)
        gate.set(Gateway(Registry(blobs, self._aws), urls, apis, self._health).answer)
        parts = control_parts(
            self._aws,
            self._data_plane,
            self._urls,
            InvokeApi(routing, measured),
            metrics,
            gateway=self.address.gateway,
            labels=partial(labels_of, blobs),
            on_image=images.unpack_ahead,
        )
        control.set(Endpoint(parts, self._aws.application, keys).answer)

    def _starter(self, folders: Folders, images: ImageFiles) -> EnvironmentStarter:
        return EnvironmentStarter(
            images=images,
            interpreters=Interpreters(runner=Processes(), variables=os.environ),
            isolation=self._isolation,
            spawner=self._spawner,
            logs=self._logs,
            aws=self.address.aws_variables,
            scratch=folders.state / "tmp",
        )

    def _health(self) -> Mapping[str, Any]:
        """Who this is and how it is; no secret, since anybody on this machine may ask."""
        versions = [environment.version for environment in self._data_plane.environments()]
        return {
            "pid": self.address.pid,
            "created": self.address.created,
            "isolation": self._isolation.mode,
            "isolation_reason": self._isolation.reason,
            "functions": list(self._aws.function_names()),
            "environments": [f"{version.function.name}:{version.version}" for version in versions],
        }

"""What the tests of the local AWS share: a tiny image, a daemon in folders of its own, a fake control plane.

The tiny image holds awslambdaric and one handler module, in two layers as a real image has them.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import os
import platform
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import urllib3

from deployer.local import client
from deployer.local.address import Folders
from deployer.local.ecr import NoSuchRepository, Repository, TagIsImmutable
from deployer.local.functions import LATEST, Alias, FunctionName, FunctionVersion, NoSuchFunction
from deployer.tools.process import Processes
from deployer.tools.python_interpreter import find_uv

ROOT = Path(__file__).parent.parent
ACCOUNT, REGION = "123456789012", "us-east-1"
HOST = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
RUNTIME_INTERFACE = "awslambdaric==4.2.2"


@dataclass
class FakeControlPlane:
    """A control plane in memory, held to the same cases as moto by the contract test."""

    repositories: set[Repository] = field(default_factory=set)
    immutable: set[Repository] = field(default_factory=set)
    images: dict[tuple[Repository, str], str] = field(default_factory=dict)
    versions: dict[tuple[FunctionName, str], FunctionVersion] = field(default_factory=dict)
    named: dict[FunctionName, dict[str, Alias]] = field(default_factory=dict)
    policies: dict[FunctionName, list[Mapping[str, object]]] = field(default_factory=dict)
    logs: list[tuple[FunctionName, str, int, str]] = field(default_factory=list)

    def version(self, function: FunctionName, qualifier: str) -> FunctionVersion:
        alias = self.named.get(function, {}).get(qualifier)
        version = alias.version if alias else qualifier
        if (function, version) not in self.versions:
            raise NoSuchFunction(f"Function not found: {function.arn}:{qualifier}")
        return self.versions[function, version]

    def aliases(self, function: FunctionName) -> Mapping[str, Alias]:
        if not self.exists(function):
            raise NoSuchFunction(f"Function not found: {function.arn}")
        return self.named.get(function, {})

    def exists(self, function: FunctionName) -> bool:
        return (function, LATEST) in self.versions

    def statements(self, function: FunctionName) -> Sequence[Mapping[str, object]]:
        if not self.exists(function):
            raise NoSuchFunction(f"Function not found: {function.arn}")
        return tuple(self.policies.get(function, ()))

    def put_image(self, repository: Repository, *, manifest: bytes, media_type: str, tag: str | None) -> str:
        self._require(repository)
        digest = digest_of(manifest)
        if tag is not None and repository in self.immutable and self.images.get((repository, tag), digest) != digest:
            raise TagIsImmutable(tag)
        for reference in filter(None, (tag, digest)):
            self.images[repository, reference] = digest
        return digest

    def image_digest(self, repository: Repository, reference: str) -> str | None:
        self._require(repository)
        return self.images.get((repository, reference))

    def write_logs(self, function: FunctionName, stream: str, events: Sequence[tuple[int, str]]) -> None:
        self.logs += [(function, stream, when, line) for when, line in events if self.exists(function)]

    def _require(self, repository: Repository) -> None:
        if repository not in self.repositories:
            raise NoSuchRepository(repository.name)


@dataclass(frozen=True)
class TinyImage:
    """Blobs by digest, the manifest among them under `digest`."""

    blobs: Mapping[str, bytes]
    digest: str

    @property
    def manifest(self) -> bytes:
        return self.blobs[self.digest]


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def tiny_image(
    handler: str,
    *,
    python: str = PYTHON,
    variables: Sequence[str] = (),
    runtime: bool = True,
    base: Sequence[bytes] = (),
    architecture: str = ARCHITECTURE,
    program: str = "python3",
) -> TinyImage:
    """An image whose handler is `app.handle` in `handler`'s text; `runtime=False` leaves awslambdaric out.

    `base` are the layers of a base image below ours, `program` is the Python of its entry point.
    """
    layers = [layer({"home/app/app.py": handler.encode()})]
    if runtime:
        layers.insert(0, layer(runtime_interface()))
    layers = [*base, *layers]
    config = {
        "architecture": architecture,
        "os": "linux",
        "config": {
            "Env": [
                "PATH=/usr/local/bin:/usr/bin:/bin",
                "PYTHONPATH=/opt/python:/opt/deployer",
                "HOME=/tmp",
                *variables,
            ],
            "Entrypoint": [program, "-m", "awslambdaric"],
            "Cmd": ["app.handle"],
            "WorkingDir": "/home/app",
            "Labels": {"deployer.python": python, "com.amazonaws.lambda.feature.snapstart": "Allow"},
        },
        "rootfs": {"type": "layers", "diff_ids": [digest_of(gzip.decompress(layer)) for layer in layers]},
    }
    config_bytes = json.dumps(config).encode()
    parts = [("application/vnd.oci.image.layer.v1.tar+gzip", layer) for layer in layers]
    described = [{"mediaType": kind, "digest": digest_of(part), "size": len(part)} for kind, part in parts]
    head = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest_of(config_bytes)}
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {**head, "size": len(config_bytes)},
        "layers": described,
    }
    blobs = {digest_of(part): part for part in (*layers, config_bytes, json.dumps(manifest).encode())}
    return TinyImage(blobs=blobs, digest=digest_of(json.dumps(manifest).encode()))


_installed: dict[str, dict[str, bytes]] = {}


def runtime_interface() -> dict[str, bytes]:
    """awslambdaric's files, installed once per test run."""
    if PYTHON not in _installed:
        with tempfile.TemporaryDirectory() as folder:
            argv = [str(find_uv()), "pip", "install", "-q", "--python", sys.executable, "--target", folder]
            subprocess.run([*argv, RUNTIME_INTERFACE], check=True, timeout=120)
            files = [path for path in Path(folder).rglob("*") if path.is_file() and path.suffix != ".pyc"]
            _installed[PYTHON] = {
                f"opt/deployer/{path.relative_to(folder)}": path.read_bytes() for path in sorted(files)
            }
    return _installed[PYTHON]


def layer(files: Mapping[str, bytes]) -> bytes:
    raw = io.BytesIO()
    folders = sorted({str(parent) for name in files for parent in Path(name).parents} - {"."})
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for folder in folders:
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(raw.getvalue(), compresslevel=1, mtime=0)


@dataclass(frozen=True)
class LocalAws:
    """A daemon whose state and cache are below `folder`."""

    folder: Path

    @property
    def folders(self) -> Folders:
        return Folders(state=self.folder / "state" / "deployer", cache=self.folder / "cache" / "deployer" / "local")

    @property
    def variables(self) -> dict[str, str]:
        places = {"XDG_STATE_HOME": str(self.folder / "state"), "XDG_CACHE_HOME": str(self.folder / "cache")}
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYENV_ROOT") if name in os.environ}
        return {**kept, **places, "PYTHONPATH": str(ROOT)}

    def start(self) -> client.Status:
        return client.start(self.folders, runner=Processes(), variables=self.variables)

    def status(self) -> client.Status:
        found = client.running(self.folders)
        assert found is not None, "the local AWS does not run"
        return found

    def stop(self) -> None:
        client.stop(self.folders)

    def aws(self, service: str) -> Any:
        address = self.status().address
        return boto3.client(
            service,
            endpoint_url=address.endpoint,
            region_name=REGION,
            aws_access_key_id=address.access_key_id,
            aws_secret_access_key=address.secret_access_key,
            config=boto3.session.Config(retries={"total_max_attempts": 1}, read_timeout=60),
        )

    def push(self, repository: str, image: TinyImage, *, tag: str = "v1") -> str:
        """Push as a registry client does; the image URI by digest."""
        ecr = self.aws("ecr")
        if repository not in [one["repositoryName"] for one in ecr.describe_repositories()["repositories"]]:
            ecr.create_repository(repositoryName=repository)
        login = {
            "Authorization": f"Basic {ecr.get_authorization_token()['authorizationData'][0]['authorizationToken']}"
        }
        base = f"{self.status().address.gateway}/v2/{HOST}/{repository}"
        for digest, content in image.blobs.items():
            if digest != image.digest:
                location = ask("POST", f"{base}/blobs/uploads/", headers=login, status=202).headers["Location"]
                ask("PUT", f"{location}?digest={digest}", headers=login, body=content, status=201)
        headers = {**login, "Content-Type": MANIFEST}
        ask("PUT", f"{base}/manifests/{tag}", headers=headers, body=image.manifest, status=201)
        return f"{HOST}/{repository}@{image.digest}"

    def function(self, name: str, handler: str, **settings: Any) -> str:
        """Create a function from a handler's text, with version 1 published; its ARN."""
        uri = self.push(name, tiny_image(handler))
        values: dict[str, Any] = {"Timeout": 10, "MemorySize": 256, **settings}
        created = self.aws("lambda").create_function(
            FunctionName=name, Role=self.role(), PackageType="Image", Code={"ImageUri": uri}, Publish=True, **values
        )
        return str(created["FunctionArn"])

    def role(self) -> str:
        iam = self.aws("iam")
        try:
            return str(iam.get_role(RoleName="functions")["Role"]["Arn"])
        except iam.exceptions.NoSuchEntityException:
            created = iam.create_role(RoleName="functions", AssumeRolePolicyDocument="{}")
            return str(created["Role"]["Arn"])

    def invoke(self, name: str, event: Any = None, **settings: Any) -> Invoked:
        answer = self.aws("lambda").invoke(
            FunctionName=name, Payload=json.dumps(event or {}), LogType="Tail", **settings
        )
        return Invoked(
            result=json.loads(answer["Payload"].read() or b"null"),
            error=answer.get("FunctionError", ""),
            version=answer.get("ExecutedVersion", ""),
            log=base64.b64decode(answer.get("LogResult", "")).decode(),
        )

    def url(
        self, name: str, *, auth: str = "NONE", qualifier: str = "live", version: str = "1", mode: str = "BUFFERED"
    ) -> str:
        """Put a function URL on an alias, public when `auth` is NONE; the URL."""
        functions = self.aws("lambda")
        functions.create_alias(FunctionName=name, Name=qualifier, FunctionVersion=version)
        made = functions.create_function_url_config(
            FunctionName=name, Qualifier=qualifier, AuthType=auth, InvokeMode=mode
        )
        if auth == "NONE":
            for number, action in enumerate(("InvokeFunctionUrl", "InvokeFunction")):
                functions.add_permission(
                    FunctionName=name,
                    Qualifier=qualifier,
                    StatementId=f"public{number}",
                    Action=f"lambda:{action}",
                    Principal="*",
                )
        return str(made["FunctionUrl"])


@dataclass(frozen=True)
class Invoked:
    """What came of an Invoke."""

    result: Any
    error: str
    version: str
    log: str


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    """Whether the condition comes true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def ask(
    method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None, status: int = 200
) -> urllib3.BaseHTTPResponse:
    """One HTTP request; fails the test when the status is another."""
    answer = urllib3.request(method, url, headers=dict(headers or {}), body=body, retries=False, timeout=60)
    assert answer.status == status, f"{method} {url}: {answer.status} {answer.data[:500]!r}"
    return answer

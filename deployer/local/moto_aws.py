"""The one place that imports moto: its server as a WSGI application and its backends in this process.

What moto leaves open is closed here: an image's digest is resolved when a function gets it, and versions do not share
what must differ between them (decision 0021).
"""

from __future__ import annotations

import hashlib
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from moto.awslambda.exceptions import LambdaClientError, UnknownAliasException, UnknownFunctionException
from moto.awslambda.models import ImageConfig, lambda_backends
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.ecr.models import ecr_backends
from moto.logs.models import logs_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app

from deployer.local.ecr import NoSuchRepository, Repository, TagIsImmutable, parse_uri
from deployer.local.functions import LATEST, Alias, FunctionName, FunctionVersion, ImageOverrides, NoSuchFunction

ACCOUNT = DEFAULT_ACCOUNT_ID
RequestHandler = MotoRequestHandler
_UNKNOWN = (UnknownFunctionException, UnknownAliasException, LambdaClientError)


class MotoAws:
    """moto in this process. `lock` is held while a function is changed, so that nobody sees it half settled."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.application: Callable[..., Iterable[bytes]] = DomainDispatcherApplication(create_backend_app)

    def version(self, function: FunctionName, qualifier: str) -> FunctionVersion:
        with self.lock:
            found = self._find(function, qualifier)
            overrides = found.image_config
            return FunctionVersion(
                function=function,
                version=str(found.version),
                digest=f"sha256:{found.code_sha_256}",
                timeout=int(found.timeout),
                memory_size=int(found.memory_size),
                ephemeral_storage=int(found.ephemeral_storage),
                variables=dict(found.environment_vars),
                overrides=ImageOverrides(
                    entrypoint=tuple(overrides.entry_point or ()),
                    command=tuple(overrides.cmd or ()),
                    working_directory=overrides.working_directory or "",
                ),
                concurrency=self._reserved(function),
                role=str(found.role),
            )

    def aliases(self, function: FunctionName) -> Mapping[str, Alias]:
        with self.lock:
            self._find(function, LATEST)
            kept = lambda_backends[function.account][function.region].list_aliases(function.name)
            return {one.name: _alias(one) for one in kept}

    def renew_revision(self, function: FunctionName, alias: str) -> None:
        """Give an alias that changes a new RevisionId, which moto does not."""
        with self.lock:
            kept = lambda_backends[function.account][function.region].get_alias(alias, function.name)
            kept.revision_id = str(uuid.uuid4())

    def exists(self, function: FunctionName) -> bool:
        with self.lock:
            return function.name in _functions(function)

    def statements(self, function: FunctionName) -> Sequence[Mapping[str, object]]:
        with self.lock:
            return tuple(self._find(function, LATEST).policy.statements)

    def settle(self, function: FunctionName) -> None:
        """After a change: give each version its own code record, with the digest of the image it was made from."""
        with self.lock:
            group = _functions(function).get(function.name)
            for version in [group["latest"], *group["versions"]] if group else ():
                version.code = dict(version.code)
                uri = str(version.code.get("ImageUri", ""))
                if version.code_sha_256 == hashlib.sha256(uri.encode()).hexdigest():  # moto's stand-in for a digest
                    version.code_sha_256 = (self.digest_of_uri(uri) or "").removeprefix("sha256:")

    def set_what_moto_drops(self, function: FunctionName, configuration: Mapping[str, Any]) -> None:
        """The parts of UpdateFunctionConfiguration that moto does not take over."""
        with self.lock:
            latest = self._find(function, LATEST)
            if configuration.get("EphemeralStorage"):
                latest.ephemeral_storage = configuration["EphemeralStorage"]["Size"]
            if configuration.get("ImageConfig") is not None:  # an empty one leaves everything to the image again
                latest.image_config = ImageConfig(configuration["ImageConfig"])

    def digest_of_uri(self, uri: str) -> str | None:
        """The digest of the image that an ECR image URI names now, None where there is none."""
        parsed = parse_uri(uri)
        if parsed is None:
            return None
        try:
            return self.image_digest(*parsed)
        except NoSuchRepository:
            return None

    def image_digest(self, repository: Repository, reference: str) -> str | None:
        with self.lock:
            for image in _repository(repository).images:
                if reference in image.image_tags or reference == image.image_digest:
                    return str(image.image_digest)
        return None

    def put_image(self, repository: Repository, *, manifest: bytes, media_type: str, tag: str | None) -> str:
        digest = f"sha256:{hashlib.sha256(manifest).hexdigest()}"
        with self.lock:
            stored = _repository(repository)
            if tag is not None:
                _free_tag(stored, tag, digest)
            image = next((image for image in stored.images if image.image_digest == digest), None)
            if image is None:
                backend: Any = ecr_backends[repository.account][repository.region]
                backend.put_image(repository.name, manifest.decode("utf-8"), tag, media_type, digest)
            elif tag is not None:
                image.update_tag(tag)
        return digest

    def write_logs(self, function: FunctionName, stream: str, events: Sequence[tuple[int, str]]) -> None:
        with self.lock:
            if not self.exists(function):
                return
            backend = logs_backends[function.account][function.region]
            backend.ensure_log_group(function.log_group)
            backend.ensure_log_stream(function.log_group, stream)
            ordered = sorted(events, key=lambda event: event[0])  # as they came within a millisecond
            records = [{"timestamp": milliseconds, "message": text} for milliseconds, text in ordered]
            backend.put_log_events(function.log_group, stream, records)

    def function_names(self) -> tuple[str, ...]:
        """Every function of every region, for the status line."""
        with self.lock:
            found = [(region, backend) for region, backend in lambda_backends[ACCOUNT].items()]
            return tuple(f"{name} ({region})" for region, backend in found for name in backend._lambdas._functions)

    def _find(self, function: FunctionName, qualifier: str) -> Any:
        try:
            return lambda_backends[function.account][function.region].get_function(function.name, qualifier)
        except _UNKNOWN as error:
            raise NoSuchFunction(f"Function not found: {function.arn}:{qualifier}") from error

    def _reserved(self, function: FunctionName) -> int | None:
        reserved = self._find(function, LATEST).reserved_concurrency
        return None if reserved is None else int(reserved)


def _alias(kept: Any) -> Alias:
    weights = (kept.routing_config or {}).get("AdditionalVersionWeights") or {}
    return Alias(kept.name, str(kept.function_version), dict(weights), str(kept.revision_id))


def _functions(function: FunctionName) -> dict[str, Any]:
    functions: dict[str, Any] = lambda_backends[function.account][function.region]._lambdas._functions
    return functions


def _repository(repository: Repository) -> Any:
    repositories = ecr_backends[repository.account][repository.region].repositories
    if repository.name not in repositories:
        raise NoSuchRepository(repository.name)
    return repositories[repository.name]


def _free_tag(repository: Any, tag: str, digest: str) -> None:
    """Take the tag from another image and keep that image, as ECR does; moto would delete it."""
    for image in repository.images:
        if tag in image.image_tags and image.image_digest != digest:
            if repository.is_tag_immutable():
                raise TagIsImmutable(tag)
            image.remove_tag(tag)
            image.image_tag = image.image_tags[-1] if image.image_tags else None

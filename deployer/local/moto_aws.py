"""moto's server as a WSGI application, and its backends in this process. Only `moto_...` modules import moto.

What moto leaves open is closed here, in `moto_versions` and in `moto_settings`: an image's digest is resolved when a
function gets it, and versions and settings are kept by Lambda's rules (decisions 0021, 0084 and 0086).
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from moto.awslambda.exceptions import LambdaClientError, UnknownAliasException, UnknownFunctionException
from moto.awslambda.models import lambda_backends
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.logs.models import logs_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app

from deployer.local import moto_images, moto_settings, moto_versions
from deployer.local.ecr import NoSuchRepository, Repository, parse_uri
from deployer.local.functions import LATEST, Alias, FunctionName, FunctionVersion, ImageOverrides, NoSuchFunction

ACCOUNT = DEFAULT_ACCOUNT_ID
RequestHandler = MotoRequestHandler
OURS = "deployer_of_qualifiers"  # in moto's record of a function
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
                variables={**found.environment_vars, **moto_settings.log_variables(found)},
                overrides=ImageOverrides(
                    entrypoint=tuple(overrides.entry_point or ()),
                    command=tuple(overrides.cmd or ()),
                    working_directory=overrides.working_directory or "",
                ),
                concurrency=self.reserved(function),
                role=str(found.role),
                log_format=str(moto_settings.described(found)["LoggingConfig"]["LogFormat"]),
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

    def settle(self, function: FunctionName, *, modified: bool = False) -> None:
        """After a change that moto made: what moto leaves open. `modified`: `$LATEST` is another one now."""
        with self.lock:
            record = _functions(function).get(function.name)
            if record:
                moto_versions.settle(record, self.digest_of_uri)
                if modified:
                    record["latest"].last_modified = moto_versions.now()

    def publish(self, function: FunctionName, description: str = "") -> Mapping[str, Any]:
        """The configuration of the version that `$LATEST` is published as. Raises NoSuchFunction."""
        with self.lock:
            self._find(function, LATEST)
            published = moto_versions.publish(_functions(function)[function.name], description)
            lambda_backends[function.account][function.region]._lambdas._arns[published.function_arn] = published
            return moto_settings.described(published)

    def configuration(self, function: FunctionName, qualifier: str) -> Mapping[str, Any]:
        """As GetFunctionConfiguration answers it, with the version's own ARN. Raises NoSuchFunction."""
        with self.lock:
            return moto_settings.described(self._find(function, qualifier))

    def configurations(self, function: FunctionName) -> Sequence[Mapping[str, Any]]:
        """Of `$LATEST` and of each version in order. Raises NoSuchFunction."""
        with self.lock:
            self._find(function, LATEST)
            return moto_versions.configurations(_functions(function)[function.name])

    def delete_version(self, function: FunctionName, version: str) -> None:
        """Nothing where there is none. Raises NoSuchFunction where there is no function."""
        with self.lock:
            if version in {one["Version"] for one in self.configurations(function)}:
                lambda_backends[function.account][function.region].delete_function(function.name, version)
                self.forget_qualifier(function, version)

    def tags(self, function: FunctionName) -> Mapping[str, str]:
        with self.lock:
            return dict(self._find(function, LATEST).tags)

    def policy_revision(self, function: FunctionName) -> str:
        with self.lock:
            return str(self._find(function, LATEST).policy.revision)

    def add_statement(
        self, function: FunctionName, resource: str, asked: Mapping[str, Any], *, conditions: Mapping[str, Any]
    ) -> Mapping[str, object]:
        """Add what AddPermission asks for to the policy of the function, version or alias that `resource` names.

        `conditions` are those, by operator, that moto does not make.
        """
        with self.lock:
            policy = self._find(function, LATEST).policy
            qualifier = resource.removeprefix(function.arn).removeprefix(":")
            statement, _ = policy.add_statement(json.dumps(dict(asked)), qualifier)
            for operator, keys in conditions.items():
                statement.setdefault("Condition", {}).setdefault(operator, {}).update(keys)
            added: Mapping[str, object] = statement
            return added

    def remove_statements(self, function: FunctionName, resource: str, name: str | None = None) -> bool:
        """Remove the statement of that id, or all, from the policy of `resource`; whether there was one."""
        with self.lock:
            policy = self._find(function, LATEST).policy
            kept = [one for one in policy.statements if one["Resource"] != resource or name not in (None, one["Sid"])]
            removed = len(kept) < len(policy.statements)
            policy.statements = kept
            if removed:
                policy.revision = str(uuid.uuid4())
            return removed

    def set_what_moto_drops(self, function: FunctionName, asked: Mapping[str, Any]) -> None:
        """The parts of a change of the function's settings or code that moto does not take over."""
        with self.lock:
            moto_settings.take(self._find(function, LATEST), asked)

    def of_qualifiers(self, function: FunctionName, kind: str) -> dict[str, dict[str, Any]]:
        """What is kept of this kind for the function's qualifiers; to be changed under the lock. Raises NoSuchFunction.

        It goes with the function, and with its qualifier.
        """
        with self.lock:
            self._find(function, LATEST)
            kept: dict[str, dict[str, dict[str, Any]]] = _functions(function)[function.name].setdefault(OURS, {})
            return kept.setdefault(kind, {})

    def forget_qualifier(self, function: FunctionName, qualifier: str) -> None:
        """A version or an alias is gone: so are its policy and what else was kept for it."""
        with self.lock:
            self.remove_statements(function, f"{function.arn}:{qualifier}")
            for kept in _functions(function)[function.name].get(OURS, {}).values():
                kept.pop(qualifier, None)

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
            return moto_images.digest_of(repository, reference)

    def image_sizes(self, repository: Repository) -> Mapping[str, int]:
        with self.lock:
            return moto_images.sizes(repository)

    def put_image(self, repository: Repository, *, manifest: bytes, media_type: str, tag: str | None) -> str:
        with self.lock:
            return moto_images.put(repository, manifest=manifest, media_type=media_type, tag=tag)

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

    def reserved(self, function: FunctionName) -> int | None:
        """The reserved concurrent executions, None where none are reserved. Raises NoSuchFunction."""
        reserved = self._find(function, LATEST).reserved_concurrency
        return None if reserved is None else int(reserved)


def _alias(kept: Any) -> Alias:
    weights = (kept.routing_config or {}).get("AdditionalVersionWeights") or {}
    return Alias(kept.name, str(kept.function_version), dict(weights), str(kept.revision_id))


def _functions(function: FunctionName) -> dict[str, Any]:
    functions: dict[str, Any] = lambda_backends[function.account][function.region]._lambdas._functions
    return functions

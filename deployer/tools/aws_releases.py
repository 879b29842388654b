"""The versions and aliases of one function: read from AWS each time, moved by one call.

No boto3 here: `lambda_` is its client for Lambda. The result of a version's smoke test is a tag of the function, which
the template's provider ignores.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timezone
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from deployer.errors import DeployerError
from deployer.releases import FAILED, PASSED, Alias, Provisioned, Version
from deployer.tools.aws_errors import code

SMOKE_TEST_TAG = "deployer:smoke-test:"  # and the version's number
MOST_TAGS = 50  # of one function, by Lambda's API reference
KEPT_SMOKE_TESTS = 20
WAIT_SECONDS = 900  # a snapshot of a large model takes minutes
WAIT_DELAY = 2
_LATEST = "$LATEST"
_MISSING = "ResourceNotFoundException"
_NOT_PROVISIONED = "ProvisionedConcurrencyConfigNotFoundException"


class AliasMoved(DeployerError):
    """Somebody else moved the alias since it was read; it is as they left it."""


class Releases:
    """Every method raises DeployerError where AWS refuses or cannot be reached."""

    def __init__(self, lambda_: Any, function: str, explained: Callable[[str], AbstractContextManager[None]]) -> None:
        self._lambda, self._function, self._explained = lambda_, function, explained

    def version(self, qualifier: str) -> Version | None:
        """The version of a number or an alias; None where there is none."""
        found = self._found(f"version {qualifier}", self._lambda.get_function_configuration, Qualifier=qualifier)
        return None if found is None else _version(found)

    def versions(self) -> tuple[Version, ...]:
        """Every published version, the first one first; empty where there is no such function."""
        pages = self._lambda.get_paginator("list_versions_by_function").paginate(FunctionName=self._function)
        with self._explained(f"Listing the versions of {self._function}"):
            try:
                found = [version for page in pages for version in page["Versions"]]
            except ClientError as error:
                if code(error) == _MISSING:
                    return ()
                raise
        published = (_version(version) for version in found if version["Version"] != _LATEST)
        return tuple(sorted(published, key=lambda version: int(version.number)))

    def digests_of_others(self) -> frozenset[str]:
        """The images of every other function of the region, of all its versions."""
        return frozenset().union(*self.images_of_others().values())

    def images_of_others(self) -> dict[str, frozenset[str]]:
        """The same by the function's name."""
        pages = self._lambda.get_paginator("list_functions").paginate(FunctionVersion="ALL")
        with self._explained("Listing the functions of the region"):
            found = [version for page in pages for version in page["Functions"]]
        used: dict[str, frozenset[str]] = {}
        for version in found:
            name = version["FunctionName"]
            if name != self._function and version.get("PackageType") == "Image":
                used[name] = used.get(name, frozenset()) | {_version(version).digest}
        return used

    def alias(self, name: str) -> Alias | None:
        found = self._found(f"alias {name}", self._lambda.get_alias, Name=name)
        return None if found is None else _alias(found)

    def aliases(self) -> tuple[Alias, ...]:
        """Every alias, those that the user made by hand among them; empty where there is no such function."""
        pages = self._lambda.get_paginator("list_aliases").paginate(FunctionName=self._function)
        with self._explained(f"Listing the aliases of {self._function}"):
            try:
                return tuple(_alias(alias) for page in pages for alias in page["Aliases"])
            except ClientError as error:
                if code(error) == _MISSING:
                    return ()
                raise

    def delete(self, version: str) -> None:
        """Delete a published version. One that is gone already is no error; one that an alias stands for is."""
        with self._explained(f"Deleting version {version} of {self._function}"):
            try:
                self._lambda.delete_function(FunctionName=self._function, Qualifier=version)
            except ClientError as error:
                if code(error) != _MISSING:
                    raise

    def url(self, alias: str) -> str | None:
        """The alias's Function URL with one slash at its end; None where it has none."""
        found = self._found(f"URL of {alias}", self._lambda.get_function_url_config, Qualifier=alias)
        return None if found is None else f"{found['FunctionUrl'].rstrip('/')}/"

    def provisioned(self, alias: str) -> Provisioned | None:
        """How far its provisioned concurrency is; None where the alias has none."""
        ask = self._lambda.get_provisioned_concurrency_config
        found = self._found(f"provisioned concurrency of {alias}", ask, Qualifier=alias)
        return None if found is None else Provisioned(str(found["Status"]), str(found.get("StatusReason", "")))

    def move(
        self,
        alias: Alias,
        version: str,
        *,
        weights: Mapping[str, float] | None = None,
        description: str | None = None,
    ) -> Alias:
        """Move an alias, and in the same call set its weights (none: cleared) and description (None: kept).

        Raises AliasMoved where the alias is not any more as it was read.
        """
        said = {} if description is None else {"Description": description}
        with self._explained(f"Moving the alias {alias.name} of {self._function} to version {version}"):
            try:
                moved = self._lambda.update_alias(
                    FunctionName=self._function,
                    Name=alias.name,
                    FunctionVersion=version,
                    RoutingConfig={"AdditionalVersionWeights": dict(weights or {})},
                    RevisionId=alias.revision,
                    **said,
                )
            except ClientError as error:
                if code(error) != "PreconditionFailedException":
                    raise
                problem = (
                    f"The alias {alias.name} of {self._function} was moved by somebody else meanwhile: it is left so."
                )
                hint = "`deployer history` shows where it points now; run the same command again if it is still wanted."
                raise AliasMoved(problem, hint=hint) from error
        return _alias(moved)

    def publish(self) -> str:
        """Publish the function as it is now; its number, the last version's where nothing has changed since.

        An update that is under way is waited for: Lambda refuses any other until then.
        """
        self._wait("function_updated_v2", f"Waiting for the last update of {self._function}")
        with self._explained(f"Publishing a version of {self._function}"):
            return str(self._lambda.publish_version(FunctionName=self._function)["Version"])

    def wait_until_active(self, number: str) -> None:
        """Return when a published version can be invoked: with SnapStart its snapshot is made first.

        Raises DeployerError where it cannot be made, or not within WAIT_SECONDS.
        """
        self._wait("published_version_active", f"Waiting for version {number} of {self._function}", Qualifier=number)

    def _wait(self, waiter: str, doing: str, **asked: str) -> None:
        pace = {"Delay": WAIT_DELAY, "MaxAttempts": WAIT_SECONDS // WAIT_DELAY}
        with self._explained(doing):
            try:
                self._lambda.get_waiter(waiter).wait(FunctionName=self._function, WaiterConfig=pace, **asked)
            except WaiterError as error:
                raise DeployerError(
                    f"{doing}: {_reason(error)}",
                    hint="Run the command again: it continues where this one stopped.",
                ) from error

    def smoke_tests(self) -> dict[str, str]:
        """What the last smoke test of each version said, `passed` or `failed`, by the version's number."""
        tags = self._tags()
        return {number: value.partition(" ")[0] for number, value in _smoke_tests(tags).items()}

    def record_smoke_test(self, version: str, *, healthy: bool) -> None:
        """Keep the result with the function. The oldest results make room; without room for a tag nothing is kept."""
        tags = self._tags()
        kept = _smoke_tests(tags)
        kept.pop(version, None)
        room = min(KEPT_SMOKE_TESTS, MOST_TAGS - (len(tags) - len(_smoke_tests(tags))))
        too_many = len(kept) + 1 - room
        self.forget_smoke_tests(sorted(kept, key=int)[: max(too_many, 0)])
        if room > 0:
            said = f"{PASSED if healthy else FAILED} {datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
            with self._explained(f"Tagging {self._function} with the result of the smoke test"):
                self._lambda.tag_resource(Resource=self._arn(), Tags={f"{SMOKE_TEST_TAG}{version}": said})

    def forget_smoke_tests(self, versions: list[str]) -> None:
        """Take the results of these versions away."""
        if versions:
            keys = [f"{SMOKE_TEST_TAG}{version}" for version in versions]
            with self._explained(f"Removing tags of {self._function}"):
                self._lambda.untag_resource(Resource=self._arn(), TagKeys=keys)

    def _arn(self) -> str:
        with self._explained(f"Looking up {self._function}"):
            return str(self._lambda.get_function_configuration(FunctionName=self._function)["FunctionArn"])

    def _tags(self) -> dict[str, str]:
        with self._explained(f"Reading the tags of {self._function}"):
            return dict(self._lambda.list_tags(Resource=self._arn()).get("Tags", {}))

    def _found(self, what: str, ask: Callable[..., dict[str, Any]], **asked: str) -> dict[str, Any] | None:
        with self._explained(f"Looking up the {what} of {self._function}"):
            try:
                return ask(FunctionName=self._function, **asked)
            except ClientError as error:
                if code(error) in (_MISSING, _NOT_PROVISIONED):
                    return None
                raise


def _reason(error: WaiterError) -> str:
    """Lambda's own words for the state that it ended in; the waiter's where it gave none."""
    last = error.last_response.get("Configuration", error.last_response)
    said = last.get("StateReason") or last.get("LastUpdateStatusReason")
    state = last.get("State", "")
    return f"its state is {state}: {said}" if said else str(error)


def _smoke_tests(tags: Mapping[str, str]) -> dict[str, str]:
    named = {key.removeprefix(SMOKE_TEST_TAG): value for key, value in tags.items() if key.startswith(SMOKE_TEST_TAG)}
    return {number: value for number, value in named.items() if number.isdecimal()}


def _version(found: Mapping[str, Any]) -> Version:
    """`CodeSha256` of an image function is its image's digest. LastModified is in UTC: 2026-11-23T04:05:06.789+0000."""
    return Version(
        number=str(found["Version"]),
        digest=f"sha256:{found.get('CodeSha256', '')}",
        description=str(found.get("Description", "")),
        created=_created(str(found.get("LastModified", ""))),
        state=str(found.get("State", "Active")),
    )


def _created(modified: str) -> str:
    return f"{modified[:19]}Z" if modified else ""


def _alias(found: Mapping[str, Any]) -> Alias:
    weights = (found.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    return Alias(
        name=str(found["Name"]),
        version=str(found["FunctionVersion"]),
        weights={str(version): float(weight) for version, weight in weights.items()},
        revision=str(found.get("RevisionId", "")),
        description=str(found.get("Description", "")),
    )

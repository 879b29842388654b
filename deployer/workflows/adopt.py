"""`deployer adopt`: what upstream bentoctl made is taken over by the next `up`, finished with later, or removed."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Literal

from deployer.config import DeploymentConfig, default_config
from deployer.config.search import find_config
from deployer.errors import BadInput, DeployerError
from deployer.releases import LIVE
from deployer.results import AdoptResult
from deployer.stages.adoption import Asking, remove, set_aside, set_aside_at, take_over
from deployer.targets import Environment
from deployer.toolbox import Toolbox
from deployer.tools.aws import Aws
from deployer.tools.upstream_state import ALIAS, UpstreamDeployment, read_upstream
from deployer.workflows.deployment import Selection

Confirm = Callable[[str], bool]
Way = Literal["take over", "finish", "remove"]


@dataclass(frozen=True)
class AdoptRequest:
    """`folder` is where `bentoctl apply` was run. `even_if_used`: finish although the old API was asked lately."""

    folder: Path
    selection: Selection
    way: Way = "take over"
    even_if_used: bool = False


@dataclass(frozen=True)
class _Old:
    """The old deployment, and the config and AWS that are to be used for it."""

    deployment: UpstreamDeployment
    config: DeploymentConfig
    environment: Environment
    aws: Aws


def adopt(request: AdoptRequest, tools: Toolbox, *, confirm: Confirm) -> AdoptResult:
    """Take over, finish or remove. Each may be run again: what is done already is not done twice.

    Raises BadInput for a folder without such a deployment and a config of another name or region, DeployerError where
    the function or the credentials are somebody else's, where AWS refuses, and when the user does not confirm.
    """
    old = _reach(request, tools)
    ways = {"take over": _take_over, "finish": _finish, "remove": _remove}
    return ways[request.way](old, request, tools, confirm)


def _take_over(old: _Old, request: AdoptRequest, tools: Toolbox, confirm: Confirm) -> AdoptResult:
    function, door = old.deployment.function, old.aws.upstream(old.deployment)
    _require_function(old)
    if old.deployment.adopted:
        return _taken_over(old, version=door.frozen())
    for line in _holdings(old):
        tools.progress.note(f"there: {line}")
    for address in old.deployment.strangers:
        tools.progress.note(
            f"{address} is not of bentoctl's template: it stays, and the state that knows it is set aside."
        )
    for line in door.asks_latest():
        tools.progress.note(
            f"{line} asks {function} itself, which `up` changes before the test: let it ask {function}:{ALIAS} first."
        )
    if not confirm(f"Let deployer take over the Lambda function {function}?"):
        raise DeployerError("Nothing was taken over.", hint="Answer with y, or pass --yes, to take it over.")
    ask = Asking(tools.http, lambda version: old.aws.version_http(function, version), tools.clock)
    with tools.progress.step(f"Taking over {function}") as step:
        version = take_over(door, ask, say=step.update)
        step.done(f"{function} is taken over" + (f"; its HTTP API asks version {version}" if version else ""))
    aside = set_aside(old.deployment)
    return replace(_taken_over(old, version=version), set_aside=tuple(str(path) for path in aside))


def _taken_over(old: _Old, *, version: str) -> AdoptResult:
    """The same each time it is asked: what is there, and what the user does next."""
    live, door = _new_endpoint(old), old.aws.upstream(old.deployment)
    bento = () if old.config.bento else ("--bento", "NAME:VERSION")
    first = shlex.join(["deployer", "up", *bento, *_options(old)])
    moving = f"let clients ask {live or 'the endpoint that it prints'}"
    last = shlex.join(["deployer", "adopt", str(old.deployment.folder), "--finish", *_options(old)])
    return AdoptResult(
        name=old.deployment.function,
        holds=_holdings(old),
        version=version,
        old_endpoint=door.endpoint(),
        endpoint=live,
        next=(moving, last) if live else (first, moving, last),
    )


def _new_endpoint(old: _Old) -> str:
    """Empty until `up` has released a version."""
    if old.config.spec.endpoint == "http_api":
        return old.aws.http_api_endpoint(old.config.name, stage=old.config.spec.stage)
    return old.aws.releases(old.config.name).url(LIVE) or ""


def _options(old: _Old) -> list[str]:
    """Those that lead each command to the same config and target."""
    file = ["-f", str(old.config.path)] if old.config.path else []
    environment = ["--env", old.config.environment] if old.config.environment else []
    return [*file, *environment, "--target", old.environment.target]


def _finish(old: _Old, request: AdoptRequest, tools: Toolbox, confirm: Confirm) -> AdoptResult:
    """What only the old API needed goes. A function that is gone altogether, by `down`, needs nothing any more."""
    deployment, function = old.deployment, old.deployment.function
    if not deployment.adopted:
        hint = f"Run `deployer adopt {deployment.folder}` and `deployer up` first."
        raise BadInput(f"{function} is not taken over yet.", hint=hint)
    owner = old.aws.function_owner(function)
    if owner not in (None, function):
        raise DeployerError(
            f"The Lambda function {function} is no deployment of that name (its tag deployer:name is"
            f" {owner or 'missing'}). Nothing was removed.",
            hint="Only what `deployer adopt` took over can be finished with.",
        )
    if owner and old.aws.releases(function).alias(LIVE) is None:
        raise DeployerError(
            f"No version of {function} was released by `deployer up` yet. Nothing was removed.",
            hint="Run `deployer up` first, and let clients ask its endpoint.",
        )
    version, since = old.aws.upstream(deployment).frozen(), set_aside_at(deployment)
    said = f", whose old API was asked {_asked(old, request, since)}" if version else ""
    return _removed(old, f"Remove what upstream bentoctl left of {function}{said}?", version, tools, confirm)


def _asked(old: _Old, request: AdoptRequest, since: datetime) -> str:
    """How often lately, in words. Raises DeployerError where somebody still asks it and that counts."""
    count = old.aws.upstream(old.deployment).requests(since=since)
    hours = min(datetime.now(timezone.utc) - since, timedelta(hours=24)) / timedelta(hours=1)
    said = f"{count} times in the last {max(hours, 0):.1f} hours"
    if count and not request.even_if_used:
        raise DeployerError(
            f"The old HTTP API of {old.deployment.function} was asked {said}. Nothing was removed.",
            hint="Let its clients ask the new endpoint first, or pass --even-if-used.",
        )
    return said


def _remove(old: _Old, request: AdoptRequest, tools: Toolbox, confirm: Confirm) -> AdoptResult:
    deployment = old.deployment
    owner = old.aws.function_owner(deployment.function) if deployment.function else None
    if deployment.adopted or owner:
        hint = f"Run `deployer down`, and `deployer adopt {deployment.folder} --finish` for what it leaves."
        raise DeployerError(f"{deployment.name} is deployer's own. Nothing was removed.", hint=hint)
    if deployment.strangers:
        raise DeployerError(
            f"The state holds what bentoctl's template does not make: {', '.join(deployment.strangers)}."
            " Nothing was removed.",
            hint="Remove these with `terraform destroy -target=ADDRESS` first, or all of it with `terraform destroy`.",
        )
    return _removed(old, f"Remove what upstream bentoctl made of {deployment.name}?", None, tools, confirm)


def _removed(old: _Old, question: str, version: str | None, tools: Toolbox, confirm: Confirm) -> AdoptResult:
    """Without `version` the function goes too."""
    whole = old.aws.upstream(old.deployment).parts
    parts = whole.all() if version is None else whole.around_the_function(version)
    there = tuple(part for part in parts if part.is_there())
    for part in there:
        tools.progress.note(f"there: {part.line}")
    if there and not confirm(question):
        raise DeployerError("Nothing was removed.", hint="Answer with y, or pass --yes, to remove it.")
    with tools.progress.step("Removing what upstream bentoctl made") as step:
        removed, kept = remove(there, say=step.update)
        step.done(f"Removed: {len(removed)} things" if removed else "Nothing to remove")
    return AdoptResult(name=old.deployment.name, removed=removed, kept=kept)


def _require_function(old: _Old) -> None:
    """It is there, and no other deployment's."""
    function = old.deployment.function
    owner = old.aws.function_owner(function)
    if owner is None:
        raise DeployerError(
            f"There is no Lambda function {function} in {old.environment.region} to take over.",
            hint=f"Remove the rest with `deployer adopt {old.deployment.folder} --remove`.",
        )
    if owner not in ("", function):
        problem = f"The Lambda function {function} belongs to the deployment {owner}. Nothing was taken over."
        raise DeployerError(problem, hint="Leave it to that one, or take that one down first.")


def _holdings(old: _Old) -> tuple[str, ...]:
    return tuple(part.line for part in old.aws.upstream(old.deployment).parts.all())


def _reach(request: AdoptRequest, tools: Toolbox) -> _Old:
    deployment = read_upstream(request.folder)
    if not deployment.function and request.way != "remove":
        hint = f"Remove the rest with `deployer adopt {request.folder} --remove`."
        raise BadInput(f"No Lambda function is in the state in {request.folder}.", hint=hint)
    config = _config(deployment, request, tools)
    environment = tools.targets[config.target].reach(
        region=deployment.region, account=config.account or deployment.account, profile=config.profile
    )
    aws = tools.aws(environment)
    account = environment.account or aws.identity().account
    if account != deployment.account:
        raise DeployerError(
            f"{deployment.name} is in the AWS account {deployment.account}, and the credentials are of {account}.",
            hint="Use credentials of that account, and --target local for one that was made on the local AWS.",
        )
    return _Old(deployment, config, environment, aws)


def _config(deployment: UpstreamDeployment, request: AdoptRequest, tools: Toolbox) -> DeploymentConfig:
    """The config that `up` is to use for the function; what needs no `up` may do without one, on target aws."""
    selection = request.selection
    name = selection.name or (deployment.function if selection.config is None else "") or None
    config = find_config(tools.folder, name=name, file=selection.config, environment=selection.overlay)
    if config is None and request.way == "take over":
        raise BadInput(f"No config is named {name}, as the function is.", hint=_advice(deployment))
    config = config or default_config(name or "bentoctl", target="aws")
    config = config if selection.target is None else replace(config, target=selection.target)
    differing = config.name != deployment.function or config.spec.region != deployment.region
    if request.way == "take over" and differing:
        raise BadInput(
            f"The config is for {config.name} in {config.spec.region}, and the function is {deployment.function} in"
            f" {deployment.region}: a function keeps its name and its region.",
            hint=_advice(deployment),
        )
    return config


def _advice(deployment: UpstreamDeployment) -> str:
    return (
        f"Name a config with -f in which `name` is {deployment.function} and `spec.region` is {deployment.region};"
        " docs/adoption.md has one."
    )

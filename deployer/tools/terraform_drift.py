"""What differs between AWS, terraform's state and its template, as terraform's own plan tells it in JSON.

The format is terraform's "JSON Output Format" (`terraform show -json PLAN`). Attributes are named, their values
never: some are secret.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from deployer.drift import Drift
from deployer.tools.terraform import Terraform

_UNTOUCHED = (["no-op"], ["read"])
_BACK = "`deployer up --refresh` would"
_UNDOES = {"update": "set that back"}

Changes = Mapping[str, Mapping[str, Any]]


def terraform_drift(terraform: Terraform) -> tuple[Drift, ...]:
    """Plan with a refresh, read the plan, drop it. Neither the state nor AWS is changed."""
    terraform.init()
    plan = terraform.plan(image_exists=False)
    try:
        shown = terraform.command("show -json", plan.path.name, hint="Run the command again.")
    finally:
        plan.path.unlink(missing_ok=True)
    return tuple(differences(json.loads(shown)))


def differences(plan: Mapping[str, Any]) -> Iterator[Drift]:
    """One for each resource, sorted by address. `plan` is the plan's whole document.

    A change outside that no apply would undo is none: the template does not say otherwise. Such are what the provider
    writes in another way than it reads, and where `live` points, which is `up`'s and `rollback`'s to move.
    """
    outside, planned = _changes(plan, "resource_drift"), _changes(plan, "resource_changes")
    for address in sorted({*outside, *planned}):
        if address in planned or outside[address]["actions"] == ["delete"]:
            yield _difference(address, outside.get(address), planned.get(address))


def _changes(plan: Mapping[str, Any], key: str) -> Changes:
    found = {item["address"]: item["change"] for item in plan.get(key, ()) if item.get("mode") == "managed"}
    return {address: change for address, change in found.items() if change["actions"] not in _UNTOUCHED}


def _difference(address: str, outside: Mapping[str, Any] | None, planned: Mapping[str, Any] | None) -> Drift:
    action = _action(planned) if planned else ""
    if outside is not None and outside["actions"] == ["delete"]:
        return Drift(address, "deleted", f"outside terraform; {_BACK} {f'{action} it' if action else 'leave it so'}")
    back, there = _attributes(planned or {}), _attributes(outside or {})
    if names := ", ".join(sorted(there & back or there)):
        return Drift(address, "changed", f"outside terraform: {names}; {_BACK} {_UNDOES.get(action, f'{action} it')}")
    named = f": {', '.join(sorted(back))}" if back and action == "update" else ""
    return Drift(address, "planned", f"{_BACK} {action} it{named}")


def _action(change: Mapping[str, Any]) -> str:
    actions = change["actions"]
    return "replace" if len(actions) > 1 else str(actions[0])


def _attributes(change: Mapping[str, Any]) -> set[str]:
    """The attributes that differ, nothing and empty being the same; without any, those known only afterwards."""
    before, after = change.get("before") or {}, change.get("after") or {}
    unknown = {name for name, is_unknown in (change.get("after_unknown") or {}).items() if is_unknown is True}
    known = {*before, *after} - unknown
    names = {name for name in known if (before.get(name) or None) != (after.get(name) or None)} or unknown
    return names - {"tags_all"} if "tags" in names else names

"""terraform's plan document as differences."""

from __future__ import annotations

from typing import Any

from deployer.tools.terraform_drift import differences

FUNCTION = "aws_lambda_function.this"


def item(address: str, *actions: str, mode: str = "managed", **change: Any) -> dict[str, Any]:
    return {"address": address, "mode": mode, "change": {"actions": list(actions), **change}}


def told(**plan: list[dict[str, Any]]) -> list[str]:
    return [f"{drift.what} {drift.where}: {drift.detail}" for drift in differences(plan)]


def test_a_plan_without_changes_differs_in_nothing() -> None:
    """What is read anew and what stays as it is are no differences; an empty account has no entries at all."""
    same = [item(FUNCTION, "no-op"), item("data.aws_ecr_image.this[0]", "read", mode="data")]
    assert [[], []] == [told(resource_changes=same), told()]


def test_what_was_changed_outside_is_told_once_with_its_attributes_and_what_undoes_it() -> None:
    """Values are not told; `tags_all` says nothing beside `tags`."""
    before = {"memory_size": 512, "tags": {}, "tags_all": {}, "environment": [{"variables": {"KEY": "planted-secret"}}]}
    after = {"memory_size": 128, "tags": {"a": "b"}, "tags_all": {"a": "b"}, "environment": []}
    assert [
        f"changed {FUNCTION}: outside terraform: environment, memory_size, tags;"
        " `deployer up --refresh` would set that back"
    ] == told(
        resource_drift=[item(FUNCTION, "update", before=before, after=after)],
        resource_changes=[item(FUNCTION, "update", before=after, after=before)],
    )


def test_only_what_an_apply_undoes_is_named() -> None:
    """A new version number is a consequence, and what is empty in another way is the same."""
    before = {"timeout": 30, "version": "1", "layers": None, "publish": True}
    outside = {"timeout": 33, "version": "2", "layers": [], "publish": True}
    planned = {"timeout": 30, "layers": [], "publish": True}
    assert [f"changed {FUNCTION}: outside terraform: timeout; `deployer up --refresh` would set that back"] == told(
        resource_drift=[item(FUNCTION, "update", before=before, after=outside)],
        resource_changes=[item(FUNCTION, "update", before=outside, after=planned, after_unknown={"version": True})],
    )


def test_what_no_apply_undoes_is_no_drift() -> None:
    """The provider reads a role's policies as the role's own, and an absent list as an empty one."""
    drifted = item("aws_iam_role.this", "update", before={"inline_policy": []}, after={"inline_policy": [{}]})
    assert [] == told(resource_drift=[drifted], resource_changes=[item("aws_iam_role.this", "no-op")])
    empty = item(FUNCTION, "update", before={"layers": None}, after={"layers": []})
    changed = item(FUNCTION, "update", before={"timeout": 3}, after={"timeout": 9})
    assert [f"changed {FUNCTION}"] == [
        line.partition(":")[0]
        for line in told(
            resource_drift=[item(FUNCTION, "update", before={"timeout": 9}, after={"timeout": 3})],
            resource_changes=[changed],
        )
    ]
    assert [f"planned {FUNCTION}: `deployer up --refresh` would update it: timeout"] == told(
        resource_drift=[empty], resource_changes=[changed]
    )


def test_what_was_deleted_outside_is_told_with_what_makes_it_again() -> None:
    """terraform's own action for it."""
    gone = item("aws_lambda_alias.live[0]", "delete", before={"name": "live"}, after=None)
    made = item("aws_lambda_alias.live[0]", "create", before=None, after={"name": "live"})
    assert ["deleted aws_lambda_alias.live[0]: outside terraform; `deployer up --refresh` would create it"] == told(
        resource_drift=[gone], resource_changes=[made]
    )


def test_what_was_never_applied_is_told_by_action() -> None:
    """An edited template or a run that was cut off; what is known only afterwards is not named beside what is."""
    changed = item(
        FUNCTION,
        "update",
        before={"timeout": 3, "version": "1"},
        after={"timeout": 9},
        after_unknown={"version": True, "timeout": False},
    )
    replaced = item("aws_lambda_permission.public_url[0]", "delete", "create", before={}, after={})
    made = item("aws_iam_role.this", "create", before=None, after={"name": "digits"})
    assert [
        "planned aws_iam_role.this: `deployer up --refresh` would create it",
        f"planned {FUNCTION}: `deployer up --refresh` would update it: timeout",
        "planned aws_lambda_permission.public_url[0]: `deployer up --refresh` would replace it",
    ] == told(resource_changes=[changed, replaced, made])


def test_where_live_points_is_not_terraforms_and_no_drift() -> None:
    """The template ignores it; what else is changed about the alias is told."""
    alias = "aws_lambda_alias.live[0]"
    before = {"function_version": "1", "routing_config": [], "description": "a", "name": "live"}
    moved = {"function_version": "2", "routing_config": [{}], "description": "b", "name": "live"}
    drifted = item(alias, "update", before=before, after=moved)
    assert [] == told(resource_drift=[drifted], resource_changes=[item(alias, "no-op")])
    back = item(alias, "delete", "create", before={**moved, "name": "x"}, after={**moved, "name": "live"})
    renamed = item(alias, "update", before=before, after={**moved, "name": "x"})
    assert [f"changed {alias}: outside terraform: name; `deployer up --refresh` would replace it"] == told(
        resource_drift=[renamed], resource_changes=[back]
    )

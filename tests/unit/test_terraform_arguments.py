"""What terraform is called with: the argument lists, the environment, and when `init` is called at all."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from stand_in_runner import StandInRunner

from deployer.errors import DeployerError
from deployer.models import Plan
from deployer.tools.terraform import Terraform
from deployer.tools.terraform_binary import child_variables, find_terraform

INIT = ("init", "-input=false", "-no-color", "-backend=true")
UNPLACED = json.dumps({"type": "diagnostic", "diagnostic": {"severity": "error", "summary": "Missing lock"}})
PLACED = json.dumps(
    {
        "type": "diagnostic",
        "diagnostic": {"severity": "error", "summary": "Bad value", "address": "aws_lambda_alias.live"},
    }
)


def terraform(folder: Path, runner: StandInRunner, *, mirror: Path | None = None) -> Terraform:
    return Terraform(
        folder=folder,
        binary=Path("/bin/terraform"),
        variables={"PATH": "/bin", "TF_LOG": "trace"},
        runner=runner,
        log=folder / "terraform.log",
        provider_mirror=mirror,
    )


def test_plan_is_saved_as_json_events_and_never_asks(tmp_path: Path) -> None:
    """The flags of `terraform plan`; the library's detailed exit code would make changes look like a failure."""
    runner = StandInRunner()
    plan = terraform(tmp_path, runner).plan()
    assert sorted(runner.commands[0]) == sorted(
        ("plan", "-input=false", "-no-color", "-json", "-refresh=true", "-out=apply.tfplan")
    )
    assert Plan(tmp_path / "apply.tfplan", ()) == plan


def test_a_destroy_plan_tells_the_template_and_refreshes(tmp_path: Path) -> None:
    """Without a refresh what AWS has forgotten cannot be destroyed; the template looks up nothing meanwhile."""
    runner = StandInRunner()
    terraform(tmp_path, runner).plan(destroy=True)
    assert {"-destroy", "-refresh=true", "-out=destroy.tfplan"} <= set(runner.commands[0])
    assert runner.asked[0].env["TF_VAR_destroying"] == "true"


def test_only_a_destroy_plan_says_that_it_destroys(tmp_path: Path) -> None:
    """Otherwise the lookup of the image would be left out of an ordinary plan."""
    runner = StandInRunner()
    terraform(tmp_path, runner).plan()
    assert "TF_VAR_destroying" not in runner.asked[0].env


def test_apply_takes_the_saved_plan_and_drops_it(tmp_path: Path) -> None:
    """The plan holds every variable in clear and cannot be applied twice; the folder is named by the working folder."""
    runner, plan = StandInRunner(), Plan(tmp_path / "apply.tfplan", ())
    plan.path.write_text("plan")
    terraform(tmp_path, runner).apply(plan)
    assert sorted(runner.commands[0]) == sorted(
        ("apply", "-input=false", "-no-color", "-auto-approve=true", "-json", "apply.tfplan")
    )
    assert runner.commands[0][-1] == "apply.tfplan"
    assert (tmp_path, False) == (runner.asked[0].cwd, plan.path.exists())


def test_a_mirror_is_named_to_init(tmp_path: Path) -> None:
    """`-plugin-dir` takes the absolute folder; without a mirror terraform looks itself."""
    with_mirror, without = StandInRunner(), StandInRunner()
    (tmp_path / "with").mkdir()
    (tmp_path / "without").mkdir()
    terraform(tmp_path / "with", with_mirror, mirror=tmp_path / "mirror").init()
    terraform(tmp_path / "without", without).init()
    assert sorted([*INIT, f"-plugin-dir={tmp_path / 'mirror'}"]) == sorted(with_mirror.commands[0])
    assert sorted(INIT) == sorted(without.commands[0])


def test_init_is_left_out_until_something_it_depends_on_changes(tmp_path: Path) -> None:
    """It costs seconds; the template, the provider lock and the mirror are what decides it."""
    runner = StandInRunner()
    (tmp_path / "main.tf").write_text("# one")
    for change in (lambda: None, lambda: None, lambda: (tmp_path / "main.tf").write_text("# two")):
        change()
        terraform(tmp_path, runner).init()
    (tmp_path / ".terraform.lock.hcl").write_text("provider")
    terraform(tmp_path, runner).init()
    terraform(tmp_path, runner, mirror=tmp_path).init()
    assert ["init"] * 4 == [command[0] for command in runner.commands]


def test_a_failed_init_is_tried_again_by_the_next_run(tmp_path: Path) -> None:
    """Only a success is remembered."""
    runner = StandInRunner(answers=[(1, "no network"), (0, "")])
    with pytest.raises(DeployerError):
        terraform(tmp_path, runner).init()
    terraform(tmp_path, runner).init()
    assert ["init", "init"] == [command[0] for command in runner.commands]


def test_a_locked_version_that_left_the_mirror_is_replaced(tmp_path: Path) -> None:
    """A mirror with a newer provider than the lock file names is used after one more try with -upgrade."""
    runner = StandInRunner(answers=[(1, ""), (0, "")])
    (tmp_path / ".terraform.lock.hcl").write_text("provider")
    terraform(tmp_path, runner, mirror=tmp_path).init()
    assert [False, True] == ["-upgrade" in command for command in runner.commands]


def test_a_plan_that_fails_for_no_resource_initialises_once_and_plans_again(tmp_path: Path) -> None:
    """Somebody may have removed `.terraform` since: the error points at no line and no resource."""
    runner = StandInRunner(answers=[(0, ""), (1, UNPLACED), (0, ""), (0, "")])
    tool = terraform(tmp_path, runner)
    tool.init()
    tool.plan()
    assert ["init", "plan", "init", "plan"] == [command[0] for command in runner.commands]


def test_a_plan_that_fails_for_a_resource_is_not_repeated(tmp_path: Path) -> None:
    """Its message says what failed and where, its hint that nothing has changed."""
    runner = StandInRunner(answers=[(1, PLACED)])
    with pytest.raises(DeployerError) as caught:
        terraform(tmp_path, runner).plan()
    assert (caught.value.message, caught.value.hint) == (
        "terraform plan failed. aws_lambda_alias.live: Bad value",
        "Nothing was changed.",
    )
    assert (1, tmp_path / "terraform.log") == (len(runner.asked), caught.value.log)


def test_what_is_read_from_the_state_is_not_logged(tmp_path: Path) -> None:
    """Outputs and addresses may hold what belongs into no log."""
    (tmp_path / "terraform.tfstate").write_text("{}")
    outputs = {
        name: {"value": "x", "sensitive": False} for name in ("endpoint", "function_name", "image_tag", "version")
    }
    runner = StandInRunner(answers=[(0, json.dumps(outputs)), (0, 'data.a.b\na.b\nmodule.m["k.data."].a.data\n')])
    tool = terraform(tmp_path, runner)
    assert "x/" == tool.output().endpoint
    assert ("a.b", 'module.m["k.data."].a.data') == tool.resources()
    assert [None, None] == [asked.log for asked in runner.asked]
    assert [True, True] == [f"-state={tmp_path / 'terraform.tfstate'}" in command for command in runner.commands]


def test_nothing_is_asked_of_terraform_where_there_is_no_state(tmp_path: Path) -> None:
    """A folder that was never applied has no resources."""
    runner = StandInRunner()
    assert () == terraform(tmp_path, runner).resources()
    assert [] == runner.asked


def test_no_variables_file_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library writes one for its default variables, and keeps it when a command cannot be started."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    tool = terraform(tmp_path, StandInRunner())
    tool.init()
    tool.apply(tool.plan())
    assert [] == list((tmp_path / "temporary").iterdir())


def test_settings_that_would_change_what_was_asked_for_do_not_reach_terraform(tmp_path: Path) -> None:
    """Logging, arguments, variables and the workspace are deployer's; mirrors, caches and AWS's settings the user's."""
    config = tmp_path / "terraform.rc"
    config.write_text("")
    owned = ["TF_LOG", "TF_LOG_PATH", "TF_CLI_ARGS", "TF_CLI_ARGS_plan", "TF_VAR_name", "TF_WORKSPACE", "TF_DATA_DIR"]
    users = {
        "PATH": "/bin",
        "TF_PLUGIN_CACHE_DIR": "/cache",
        "AWS_REGION": "eu-west-1",
        "TF_CLI_CONFIG_FILE": str(config),
    }
    assert {**users, "TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1"} == child_variables(
        {**users, **dict.fromkeys(owned, "1"), "TF_INPUT": "1"}
    )


def test_a_missing_cli_config_file_is_not_named_to_terraform() -> None:
    """terraform would warn about it on standard output, in the middle of the JSON."""
    assert "TF_CLI_CONFIG_FILE" not in child_variables({"TF_CLI_CONFIG_FILE": "/nowhere/terraform.rc"})


def test_a_terraform_older_than_the_template_needs_is_refused_by_version(tmp_path: Path) -> None:
    """The message names what was found and what is needed, the hint how to get it."""
    binary = tmp_path / "terraform"
    binary.write_text("#!/bin/sh\n")
    binary.chmod(0o755)
    runner = StandInRunner(answers=[(0, '{"terraform_version": "1.4.7"}')])
    with pytest.raises(DeployerError) as caught:
        find_terraform({"PATH": str(tmp_path)}, runner=runner)
    assert f"terraform 1.5 or newer is needed; {binary} is 1.4.7." == caught.value.message
    assert "deployer setup" in caught.value.hint


def test_two_digit_minor_versions_are_newer(tmp_path: Path) -> None:
    """1.11 comes after 1.5, not before."""
    binary = tmp_path / "terraform"
    binary.write_text("#!/bin/sh\n")
    binary.chmod(0o755)
    runner = StandInRunner(answers=[(0, '{"terraform_version": "1.11.4"}')])
    assert binary == find_terraform({"PATH": str(tmp_path)}, runner=runner)


def test_no_terraform_at_all_is_said(tmp_path: Path) -> None:
    """An empty PATH and an empty cache."""
    with pytest.raises(DeployerError) as caught:
        find_terraform({"PATH": str(tmp_path)}, runner=StandInRunner())
    assert "there is none on PATH" in caught.value.message

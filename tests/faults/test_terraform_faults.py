"""What happens to the terraform door when the folder, the state or another terraform is in the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from deployer.errors import DeployerError
from deployer.tools.process import Processes
from deployer.tools.terraform import Terraform, find_terraform
from deployer.tools.terraform_binary import child_variables

ROOT = Path(__file__).parents[2]
TEMPLATE = """
variable "seconds" {
  type    = number
  default = 0
}
resource "terraform_data" "first" { input = 1 }
resource "terraform_data" "slow" {
  depends_on = [terraform_data.first]
  provisioner "local-exec" { command = "sleep ${var.seconds}" }
}
"""


@pytest.fixture
def terraform(tmp_path: Path) -> Terraform:
    (tmp_path / "main.tf").write_text(TEMPLATE)
    made = Terraform(
        folder=tmp_path,
        binary=find_terraform(os.environ),
        variables=os.environ,
        runner=Processes(),
        log=tmp_path / "terraform.log",
        provider_mirror=None,
    )
    made.init()
    return made


def applying(folder: Path, *, seconds: int) -> subprocess.Popen[bytes]:
    """Another terraform in the middle of an apply: its first resource is made, its second takes a while."""
    argv = [str(find_terraform(os.environ)), "apply", "-auto-approve", "-input=false", f"-var=seconds={seconds}"]
    pipe = subprocess.DEVNULL
    child = subprocess.Popen(
        argv, cwd=folder, env=child_variables(os.environ), stdout=pipe, stderr=pipe, start_new_session=True
    )
    deadline = time.monotonic() + 60
    while not any("sleep" in process.name() for process in psutil.Process(child.pid).children(recursive=True)):
        assert time.monotonic() < deadline, "the other terraform does not get to its second resource"
        time.sleep(0.1)
    return child


def is_alive(process: psutil.Process) -> bool:
    """A zombie has ended; where nobody collects orphans it stays listed."""
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def test_a_state_that_another_terraform_holds_is_named_with_its_holder(terraform: Terraform, tmp_path: Path) -> None:
    """The plan fails at once and says who to wait for; afterwards it works."""
    other = applying(tmp_path, seconds=120)
    try:
        with pytest.raises(DeployerError) as caught:
            terraform.plan()
    finally:
        os.killpg(other.pid, signal.SIGKILL)
        other.wait(10)
    assert "Error acquiring the state lock" in caught.value.message
    assert "@" in caught.value.hint
    assert "(OperationTypeApply)" in caught.value.hint
    assert ["terraform_data.slow"] == [
        change.address for change in terraform.plan().changes if change.action == "create"
    ]


def test_a_killed_apply_is_continued_by_the_next_run(terraform: Terraform, tmp_path: Path) -> None:
    """What it had made is in the state or made again; its lock goes with it."""
    other = applying(tmp_path, seconds=120)
    os.killpg(other.pid, signal.SIGKILL)
    other.wait(10)
    terraform.apply(terraform.plan())
    assert ("terraform_data.first", "terraform_data.slow") == terraform.resources()
    assert () == terraform.plan().changes


def test_ctrl_c_lets_terraform_write_its_state_and_leaves_no_process(terraform: Terraform, tmp_path: Path) -> None:
    """The interrupt reaches terraform, which ends by itself; the next run continues."""
    (tmp_path / "terraform.tfvars.json").write_text('{"seconds": 120}')
    script = f"""
import os
from pathlib import Path
from deployer.tools.process import Processes
from deployer.tools.terraform import Terraform, find_terraform
folder = Path({str(tmp_path)!r})
tool = Terraform(folder=folder, binary=find_terraform(os.environ), variables=os.environ, runner=Processes(),
                 log=folder / "terraform.log", provider_mirror=None)
try:
    tool.apply(tool.plan(), on_event=lambda line: print(line, flush=True))
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert child.stdout is not None
    while child.stdout.readline().strip() != "creating terraform_data.slow":
        assert child.poll() is None
    time.sleep(1)
    started = psutil.Process(child.pid).children(recursive=True)
    child.send_signal(signal.SIGINT)
    said, _ = child.communicate(timeout=60)
    assert "interrupted" in said
    assert [] == [process for process in started if is_alive(process)]
    assert "terraform_data.first" in terraform.resources()
    (tmp_path / "terraform.tfvars.json").unlink()
    terraform.apply(terraform.plan())
    assert () == terraform.plan().changes


def test_a_damaged_state_is_an_error_and_never_an_empty_deployment(terraform: Terraform, tmp_path: Path) -> None:
    """Neither reading nor planning takes half a file for nothing deployed."""
    terraform.apply(terraform.plan())
    (tmp_path / "terraform.tfstate").write_text('{"version": 4, "resou')
    with pytest.raises(DeployerError, match="terraform state list failed"):
        terraform.resources()
    with pytest.raises(DeployerError, match="could not be parsed as JSON"):
        terraform.plan()


def test_a_plan_that_is_out_of_date_is_not_applied(terraform: Terraform) -> None:
    """Another apply came between: nothing is done, and the next run plans afresh."""
    early = terraform.plan()
    content = early.path.read_bytes()
    terraform.apply(terraform.plan())
    early.path.write_bytes(content)
    with pytest.raises(DeployerError, match="Saved plan is stale"):
        terraform.apply(early)
    assert () == terraform.plan().changes


def test_a_mirror_that_moved_since_init_is_looked_for_again(tmp_path: Path) -> None:
    """The installed provider is a link into the mirror: when that is broken the plan initialises once, and says why."""
    folder, mirror = tmp_path / "work", tmp_path / "mirror"
    folder.mkdir()
    mirror.mkdir()
    (folder / "main.tf").write_text(
        'terraform {\n  required_providers {\n    aws = { source = "hashicorp/aws" }\n  }\n}\n'
    )
    (folder / ".terraform").mkdir()
    tool = Terraform(
        folder=folder,
        binary=find_terraform(os.environ),
        variables=os.environ,
        runner=Processes(),
        log=folder / "terraform.log",
        provider_mirror=mirror,
    )
    with pytest.raises(DeployerError, match="terraform init failed") as caught:
        tool.plan()
    assert str(mirror) in caught.value.hint
    assert ["plan", "init"] == [
        line.split()[2] for line in (folder / "terraform.log").read_text().splitlines() if line.startswith("$ ")
    ]


def test_values_do_not_reach_the_log(tmp_path: Path) -> None:
    """A variable's value and a sensitive output appear neither while planning and applying nor when read."""
    (tmp_path / "main.tf").write_text(
        'variable "environment" { type = map(string) }\n'
        'resource "terraform_data" "this" { input = var.environment }\n'
        'output "endpoint" {\n  value     = terraform_data.this.output["KEY"]\n  sensitive = true\n}\n'
        'output "function_name" { value = "f" }\noutput "image_tag" { value = "r:t" }\n'
        'output "version" { value = "1" }\n'
    )
    (tmp_path / "terraform.tfvars.json").write_text(json.dumps({"environment": {"KEY": "planted-secret"}}))
    log = tmp_path / "terraform.log"
    tool = Terraform(
        folder=tmp_path,
        binary=find_terraform(os.environ),
        variables=os.environ,
        runner=Processes(),
        log=log,
        provider_mirror=None,
    )
    tool.init()
    tool.apply(tool.plan())
    assert "planted-secret/" == tool.output().endpoint
    assert ("terraform_data.this" in log.read_text(), "planted-secret" in log.read_text()) == (True, False)

"""A terraform state in S3: the real terraform with the local AWS's S3, moved there and back, locked, and forgotten."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from local_endpoint import KEYS, LocalEndpoint
from moto.s3.models import s3_backends

from deployer.errors import DeployerError
from deployer.models import Change
from deployer.stages.state_place import forget_state, refuse_locked, settle_state
from deployer.targets import Environment
from deployer.tools.aws import Aws
from deployer.tools.aws_errors import explained
from deployer.tools.aws_state_bucket import TLS_ONLY, StateBucket
from deployer.tools.process import Processes
from deployer.tools.terraform import Terraform, find_terraform
from deployer.tools.terraform_backend import FILE, LOCAL, StatePlace
from deployer.tools.terraform_binary import child_variables

ACCOUNT, REGION = "123456789012", "us-east-1"
S3 = StatePlace("s3", "states", "deployer/digits/us-east-1/terraform.tfstate", REGION)
OTHER = StatePlace("s3", "states", "team/digits.tfstate", REGION)
TEMPLATE = """
resource "terraform_data" "this" { input = "hello" }
resource "terraform_data" "many" {
  for_each = toset(["a", "b"])
  input    = each.key
}
output "endpoint" { value = "http://127.0.0.1:1/" }
output "function_name" { value = "digits" }
output "image_tag" { value = "r:t" }
output "version" { value = terraform_data.this.output == "hello" ? 3 : 4 }
"""
PROVIDER = 'provider["terraform.io/builtin/terraform"]'
ADDRESSES = ('terraform_data.many["a"]', 'terraform_data.many["b"]', "terraform_data.this")


@dataclass
class Account:
    """An account of the local AWS, and folders of terraform in it; `notes` are what a user would have been told."""

    endpoint: LocalEndpoint
    folder: Path

    def __post_init__(self) -> None:
        self.notes: list[str] = []

    @property
    def shell(self) -> dict[str, str]:
        keys = {"AWS_ACCESS_KEY_ID": KEYS.access_key_id, "AWS_SECRET_ACCESS_KEY": KEYS.secret_access_key}
        return {**os.environ, **keys, "AWS_ENDPOINT_URL": self.endpoint.endpoint, "AWS_REGION": REGION}

    @cached_property
    def binary(self) -> Path:
        return find_terraform(self.shell)

    @cached_property
    def s3(self) -> Any:
        return self.endpoint.aws("s3")

    def bucket(self, place: StatePlace = S3) -> StateBucket:
        environment = Environment("aws", place.region, variables={"AWS_ENDPOINT_URL": self.endpoint.endpoint})
        return Aws(environment, self.shell).state_bucket(place.bucket)

    def bucket_over_tls(self) -> StateBucket:
        """As if the local AWS spoke TLS: its bucket's policy refuses anything else, also what comes afterwards."""
        return StateBucket(self.s3, "states", account=ACCOUNT, explained=explained)

    def terraform(self, place: StatePlace = LOCAL, *, clone: str = "here", template: str = TEMPLATE) -> Terraform:
        """A new one each time, as each command of the user's makes one; `clone` is a folder of its own."""
        folder = self.folder / clone
        folder.mkdir(exist_ok=True)
        (folder / "main.tf").write_text(template)
        return Terraform(
            folder=folder,
            binary=self.binary,
            variables=self.shell,
            runner=Processes(),
            log=self.folder / "terraform.log",
            provider_mirror=None,
            place=place,
            lock_in_s3=lambda found: self.bucket(found).lock(found.key),
        )

    def up(self, place: StatePlace = LOCAL, *, clone: str = "here") -> tuple[Change, ...]:
        """What `deployer up` does with terraform; the changes that it applied."""
        terraform = self.terraform(place, clone=clone)
        settle_state(terraform, place, bucket_of=self.bucket, note=self.notes.append)
        terraform.init()
        plan = terraform.plan()
        if plan.changes:
            terraform.apply(plan)
        return plan.changes

    def objects(self) -> list[str]:
        return [found["Key"] for found in self.s3.list_objects_v2(Bucket="states").get("Contents", [])]


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    endpoint = LocalEndpoint(tmp_path / "blobs")
    try:
        yield Account(endpoint, tmp_path)
    finally:
        s3_backends[ACCOUNT]["aws"].reset()
        endpoint.close()


@pytest.fixture
def with_bucket(account: Account) -> Account:
    account.bucket().make(REGION)
    return account


def test_a_state_moves_to_s3_and_on_and_back_with_every_resource(with_bucket: Account, tmp_path: Path) -> None:
    """Nothing is made again on the way; the user is told, and no old object is left to be believed."""
    account, keys = with_bucket, []
    assert 3 == len(account.up())
    for place in (S3, OTHER, LOCAL):
        assert () == account.up(place)
        keys.append(account.objects())
        assert (place, ADDRESSES) == (account.terraform(place).place(), account.terraform(place).resources())
        assert "3" == account.terraform(place).output().version
    assert [[S3.key], [OTHER.key], []] == keys
    assert [
        f"The terraform state is moved from this disk to {S3}: 3 resources",
        f"The terraform state is moved from {S3} to {OTHER}: 3 resources",
        f"{S3} is deleted: a state that is left behind would be believed by another folder",
        f"The terraform state is moved from {OTHER} to this disk: 3 resources",
        f"{OTHER} is deleted: a state that is left behind would be believed by another folder",
    ] == account.notes
    copies = list((tmp_path / "here").glob("terraform.tfstate.moved-*"))
    assert [3] == [len(json.loads(copy.read_text())["resources"]) + 1 for copy in copies]
    assert {0o600} == {copy.stat().st_mode & 0o777 for copy in copies}


def test_another_clone_knows_what_the_first_one_made(with_bucket: Account) -> None:
    """Before its folder was ever initialised: otherwise what is there would be imported once more."""
    with_bucket.up(S3)
    clone = with_bucket.terraform(S3, clone="there")
    assert (S3, ADDRESSES) == (clone.place(), clone.resources())
    assert () == with_bucket.up(S3, clone="there")


def test_another_clone_follows_a_state_that_was_moved(with_bucket: Account) -> None:
    """Where its config says so too: at the old place there is nothing any more."""
    for clone in ("here", "there"):
        with_bucket.up(S3, clone=clone)
    for clone in ("here", "there"):
        assert () == with_bucket.up(OTHER, clone=clone)
    assert [OTHER.key] == with_bucket.objects()


def test_a_clone_knows_it_without_a_template_too(with_bucket: Account, tmp_path: Path) -> None:
    """`up` asks before bentoctl has written one; nothing is there for a key that was never used."""
    with_bucket.up(S3)
    clone, unused = with_bucket.terraform(S3, clone="there"), with_bucket.terraform(OTHER, clone="elsewhere")
    for folder in ("there", "elsewhere"):
        (tmp_path / folder / "main.tf").unlink()
    assert (ADDRESSES, ()) == (clone.resources(), unused.resources())


def test_only_up_moves_a_state(with_bucket: Account) -> None:
    """Other commands use it where it is, whatever the config has come to say."""
    account = with_bucket
    account.up()
    assert (LOCAL, ADDRESSES) == (account.terraform(S3).place(), account.terraform(S3).resources())
    plan = account.terraform(S3)
    plan.init()
    assert () == plan.plan().changes
    account.up(S3)
    assert (S3, ADDRESSES) == (account.terraform(LOCAL).place(), account.terraform(LOCAL).resources())
    assert [S3.key] == account.objects()


def test_a_state_is_never_written_over_another(with_bucket: Account) -> None:
    """Two folders with a state each, and the second one is to move where the first one's is."""
    account = with_bucket
    account.up(S3)
    account.up(clone="second")
    with pytest.raises(DeployerError, match="where there is another one already: it holds 2 resources") as told:
        account.up(S3, clone="second")
    assert "Nothing was moved." in told.value.message
    assert "terraform.backend.key" in told.value.hint
    assert (LOCAL, ADDRESSES) == (
        account.terraform(clone="second").place(),
        account.terraform(clone="second").resources(),
    )
    assert () == account.up(S3)


def test_a_folder_whose_state_is_empty_takes_what_is_in_s3(with_bucket: Account) -> None:
    """Somebody moved it there from another folder; here everything had been destroyed."""
    account = with_bucket
    account.up(clone="second")
    empty = account.terraform(clone="second")
    empty.apply(empty.plan(destroy=True))
    account.up(S3)
    assert () == account.up(S3, clone="second")
    assert [S3.key] == account.objects()


def test_a_move_that_fails_leaves_the_state_where_it_is(with_bucket: Account, tmp_path: Path) -> None:
    """And the folder usable."""
    account = with_bucket
    account.up()
    missing = StatePlace("s3", "missing", "key", REGION)
    with pytest.raises(DeployerError, match=r"S3 bucket \"missing\" does not exist") as told:
        account.terraform(missing).move_state()
    assert f"The state stays where it is: {missing} cannot be read." == told.value.hint
    assert () == account.up()
    assert not (tmp_path / "here" / FILE).exists()


def test_a_missing_bucket_is_said_with_the_command_that_makes_it(account: Account) -> None:
    """Before terraform is asked for anything."""
    with pytest.raises(DeployerError, match=r"The bucket states of terraform\.backend is not there") as told:
        account.up(S3)
    assert "deployer state bucket" in told.value.hint


def test_a_template_with_a_backend_of_its_own_keeps_it(with_bucket: Account, tmp_path: Path) -> None:
    """Nothing is moved or written for it; a config that names another place is a mistake."""
    own = TEMPLATE + 'terraform {\n  backend "local" {\n    path = "own.tfstate"\n  }\n}\n'
    terraform = with_bucket.terraform(template=own)
    settle_state(terraform, LOCAL, bucket_of=with_bucket.bucket, note=with_bucket.notes.append)
    terraform.init()
    terraform.apply(terraform.plan())
    assert (tmp_path / "here" / "own.tfstate").exists()
    assert [] == with_bucket.notes
    with pytest.raises(DeployerError, match="says where terraform keeps its state, and so does the config"):
        with_bucket.terraform(S3, template=own).init()


@contextmanager
def applying(account: Account, folder: Path) -> Iterator[None]:
    """A terraform in the middle of an apply in a folder; it is killed with the block and leaves its lock behind."""
    slow = 'resource "terraform_data" "slow" {\n  provisioner "local-exec" { command = "sleep 60" }\n}\n'
    (folder / "main.tf").write_text(slow)
    variables, none = child_variables(account.shell), subprocess.DEVNULL
    argv = [str(account.binary), "apply", "-auto-approve", "-input=false"]
    with subprocess.Popen(argv, cwd=folder, env=variables, stdout=none, stderr=none, start_new_session=True) as child:
        try:
            deadline = time.monotonic() + 60
            while account.bucket().lock(S3.key) is None:
                assert time.monotonic() < deadline, "terraform does not take the lock"
                time.sleep(0.05)
            yield
        finally:
            os.killpg(child.pid, signal.SIGKILL)


def test_of_two_applies_one_is_refused_and_told_whom_it_waits_for(with_bucket: Account, tmp_path: Path) -> None:
    """The holder, since when, for what, and the way out. A killed one leaves its lock until it is taken away."""
    account = with_bucket
    account.up(S3)
    planned = account.terraform(S3, clone="second")
    planned.init()
    plan = planned.plan()
    with applying(account, tmp_path / "here"):
        lock = account.terraform(S3).lock()
        assert lock is not None
        holder = str(lock)
        assert holder.startswith("terraform of ") and " since 20" in holder and "(OperationTypeApply)" in holder
        for attempt in (lambda: planned.apply(plan), account.terraform(S3, clone="second").plan):
            with pytest.raises(DeployerError, match="Error acquiring the state lock") as told:
                attempt()
            assert f"The state is locked by {holder}: wait until that has ended." in told.value.hint
            assert "deployer force-unlock" in told.value.hint
        with pytest.raises(DeployerError, match="is locked by terraform of"):
            refuse_locked(account.terraform(S3))
    terraform = account.terraform(S3, clone="second")
    assert terraform.lock() == lock
    terraform.unlock(lock.identity)
    assert terraform.lock() is None
    assert () == account.up(S3, clone="second")


def test_a_destroyed_deployment_leaves_no_state_behind(with_bucket: Account) -> None:
    """One that still holds something is kept; earlier versions are the bucket's."""
    account = with_bucket
    account.up(S3)
    terraform = account.terraform(S3)
    assert ((), (f"terraform state {S3}",)) == forget_state(terraform, bucket_of=account.bucket)
    terraform.apply(terraform.plan(destroy=True))
    removed, kept = forget_state(account.terraform(S3), bucket_of=account.bucket)
    assert ((f"terraform state {S3}",), (f"earlier versions of {S3}, where its bucket keeps versions",)) == (
        removed,
        kept,
    )
    assert [] == account.objects()
    assert ((), ()) == forget_state(account.terraform(S3), bucket_of=account.bucket)


def test_a_bucket_is_made_as_a_state_needs_it_and_only_once(account: Account) -> None:
    """Versions, encryption, no public access, TLS alone, a tag; the second time nothing is done."""
    done = account.bucket_over_tls().make(REGION)
    assert (
        "bucket states made in us-east-1",
        "public access blocked",
        "versions kept",
        "encrypted (AES256)",
        "requests without TLS refused",
        "tagged",
    ) == done
    assert () == account.bucket_over_tls().make(REGION)
    s3 = account.s3
    policy = json.loads(s3.get_bucket_policy(Bucket="states")["Policy"])
    assert [(TLS_ONLY, "Deny", {"Bool": {"aws:SecureTransport": "false"}})] == [
        (one["Sid"], one["Effect"], one["Condition"]) for one in policy["Statement"]
    ]
    blocked = s3.get_public_access_block(Bucket="states")["PublicAccessBlockConfiguration"]
    assert {True} == set(blocked.values())
    assert "Enabled" == s3.get_bucket_versioning(Bucket="states")["Status"]
    rules = s3.get_bucket_encryption(Bucket="states")["ServerSideEncryptionConfiguration"]["Rules"]
    assert ["AES256"] == [rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] for rule in rules]


def test_a_bucket_in_another_region_is_made_there(account: Account) -> None:
    """CreateBucket wants it named, everywhere but in us-east-1."""
    place = StatePlace("s3", "states", "key", "eu-west-1")
    account.bucket(place).make("eu-west-1")
    assert "eu-west-1" == account.s3.get_bucket_location(Bucket="states")["LocationConstraint"]


def test_what_is_set_on_a_bucket_already_stays(account: Account) -> None:
    """Its own key, its policy's statements and its tags."""
    account.s3.create_bucket(Bucket="states")
    own = {"Sid": "Own", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}
    account.s3.put_bucket_policy(Bucket="states", Policy=json.dumps({"Version": "2012-10-17", "Statement": [own]}))
    kms = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "k"}}]}
    account.s3.put_bucket_encryption(Bucket="states", ServerSideEncryptionConfiguration=kms)
    account.s3.put_bucket_tagging(Bucket="states", Tagging={"TagSet": [{"Key": "team", "Value": "ml"}]})
    done = account.bucket_over_tls().make(REGION)
    assert ("public access blocked", "versions kept", "requests without TLS refused", "tagged") == done
    policy = json.loads(account.s3.get_bucket_policy(Bucket="states")["Policy"])
    assert ["Own", TLS_ONLY] == [one["Sid"] for one in policy["Statement"]]
    policy["Statement"].reverse()
    account.s3.put_bucket_policy(Bucket="states", Policy=json.dumps(policy))
    assert () == account.bucket_over_tls().make(REGION)
    tags = {tag["Key"]: tag["Value"] for tag in account.s3.get_bucket_tagging(Bucket="states")["TagSet"]}
    assert {"team": "ml", "deployer:purpose": "terraform-state"} == tags
    found = account.s3.get_bucket_encryption(Bucket="states")["ServerSideEncryptionConfiguration"]
    assert "aws:kms" == found["Rules"][0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]


def test_the_functions_of_a_state_are_known_before_anything_is_done_with_it(with_bucket: Account) -> None:
    """On this disk and in S3, in a folder that was never initialised too; a lookup is no function of the state's."""
    account = with_bucket
    assert () == account.terraform().functions()
    account.up()
    assert () == account.terraform().functions()
    holds_function(account, "digits")
    assert ("digits",) == account.terraform().functions()
    account.terraform(S3).move_state()
    assert ("digits",) == account.terraform(S3, clone="there").functions()


def test_a_folder_does_not_move_the_state_of_another_deployment(with_bucket: Account) -> None:
    """It was bound to it by a key that both had: the other one stays, and this one begins where its config says."""
    account = with_bucket
    account.up()
    holds_function(account, "digits-prod")
    account.terraform(S3).move_state()
    settle_state(
        account.terraform(OTHER), OTHER, function="digits", bucket_of=account.bucket, note=account.notes.append
    )
    assert [f"The terraform state {S3} is that of the function digits-prod: it is left there"] == account.notes
    assert (OTHER, ()) == (account.terraform(OTHER).place(), account.terraform(OTHER).resources())
    assert [S3.key] == account.objects()


def holds_function(account: Account, name: str) -> None:
    """Write a function, and the lookup of another, into the state of the folder `here`. Their provider is built in."""
    file = account.folder / "here" / "terraform.tfstate"
    known = json.loads(file.read_text())
    function = {"mode": "managed", "type": "aws_lambda_function", "name": "this", "provider": PROVIDER}
    function["instances"] = [{"schema_version": 0, "attributes": {"function_name": name}}]
    lookup = {**function, "mode": "data", "instances": [{"schema_version": 0, "attributes": {"function_name": "x"}}]}
    file.write_text(json.dumps({**known, "resources": [*known["resources"], function, lookup]}))

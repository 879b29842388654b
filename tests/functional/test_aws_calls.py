"""The calls to AWS of a deployment's whole life, recorded between the tools and the local AWS.

What `deployer iam-policy` prints has to allow each of them, and nothing that none of them needs. botocore's service
models judge each request, those of terraform's provider too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from aws_calls import RecordedTarget, Recorder
from aws_shapes import problems
from aws_wire import Call
from iam_calls import allows, asked, refused
from laptop import Laptop
from local_aws import ACCOUNT, REGION
from release_desk import Desk

from deployer.config import DeploymentConfig, load_config
from deployer.policies import Statement, document
from deployer.stages.execution_role import execution_role_policy
from deployer.stages.iam_policy import deployer_policy
from deployer.stages.infrastructure import Consent
from deployer.targets import Environment
from deployer.toolbox import Toolbox, real_toolbox
from deployer.workflows.deployment import Selection
from deployer.workflows.down import down
from deployer.workflows.drift import drift
from deployer.workflows.history import history
from deployer.workflows.invoke import Document, InvokeRequest, invoke
from deployer.workflows.plan import PlanRequest, plan
from deployer.workflows.prune import PruneRequest, prune
from deployer.workflows.rollback import RollbackRequest, rollback
from deployer.workflows.smoke_test import smoke_test
from deployer.workflows.up import UpRequest, up

BENTO, BUCKET = "recorded.service", "recorded-states"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:failed"
BOUNDARY = {"permission_boundary": "arn:aws:iam::aws:policy/PowerUserAccess"}
PUBLIC = {"auth": "none", "tags": {"team": "ml"}}
SETTINGS = {
    "tracing": True,
    "log_format": "JSON",
    "dead_letter": QUEUE,
    "destinations": {"on_failure": QUEUE},
    "cors": {"allow_origins": ["https://example.com"]},
    "reserved_concurrency": 5,
    "provisioned_concurrency": 1,
}
HTTP_API = {"endpoint": "http_api", **BOUNDARY}
EVENT = Document(b'{"names": []}', "--data")


@dataclass(frozen=True)
class Step:
    """One command, with the config that it ran with and the calls that it made."""

    command: str
    config: DeploymentConfig
    calls: Sequence[Call]

    @property
    def policy(self) -> tuple[Statement, ...]:
        return deployer_policy(self.config, account=ACCOUNT)


@dataclass
class Life:
    """A deployment in `folder`, and what each command on it asked of AWS."""

    folder: Path
    recorder: Recorder
    tools: Toolbox
    done: list[tuple[str, DeploymentConfig]] = field(default_factory=list)

    @property
    def file(self) -> Path:
        return self.folder / "recorded.yaml"

    @property
    def selection(self) -> Selection:
        return Selection(config=self.file)

    def configure(self, spec: Mapping[str, Any], *, greeting: str, expected: str = "") -> None:
        (self.folder / "names.json").write_text('{"names": ["GREETING"]}')
        values = {
            **{"api_version": "v1", "operator": {"name": "aws-lambda"}, "template": "terraform"},
            **{"name": "recorded", "bento": BENTO, "spec": dict(spec), "env": {"GREETING": greeting}},
            "smoke_test": {"samples": "names.json", "expected": {"GREETING": expected or greeting}},
            "terraform": {"backend": {"type": "s3", "bucket": BUCKET}},
        }
        self.file.write_text(yaml.safe_dump(values), encoding="utf-8")

    def run(self, command: str, work: Callable[[], object]) -> None:
        self.done.append((command, load_config(self.file)))
        with self.recorder.during(str(len(self.done))):
            work()

    def up(self, *, canary: str = "") -> None:
        request = UpRequest(self.selection, bento=BENTO, canary=canary, consent=Consent(destroy=True))
        self.run("up", lambda: up(request, self.tools))

    def steps(self) -> tuple[Step, ...]:
        calls = self.recorder.calls()
        return tuple(
            Step(command, config, [call for doing, call in calls if doing == str(number)])
            for number, (command, config) in enumerate(self.done, 1)
        )


@pytest.fixture(scope="module")
def steps(laptop: Laptop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Step, ...]]:
    """From the first release to `down`: settings that come and go, a canary, a release that fails, an HTTP API."""
    folder, recorder, tools = tmp_path_factory.mktemp("recorded"), Recorder(), real_toolbox()
    target = RecordedTarget(tools.targets["local"], recorder)
    life = Life(folder, recorder, replace(tools, folder=folder, targets={"local": target}))
    desk = Desk(replace(laptop, folder=folder), life.file, bento=BENTO)
    _make_bucket(tools.targets["local"].prepare(region=REGION))
    try:
        yield _lived(life, desk)
    finally:
        down(life.selection, life.tools, confirm=lambda question: True)
        recorder.close()


def _make_bucket(environment: Environment) -> None:
    keys = {name.lower(): environment.variables[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    endpoint = environment.variables["AWS_ENDPOINT_URL"]
    boto3.client("s3", REGION, endpoint_url=endpoint, **keys).create_bucket(Bucket=BUCKET)


def _lived(life: Life, desk: Desk) -> tuple[Step, ...]:
    def yes(question: str) -> bool:
        return True

    selection, tools = life.selection, life.tools
    desk.build()
    life.configure({**PUBLIC, **BOUNDARY}, greeting="one")
    life.up()
    life.configure({**PUBLIC, **SETTINGS}, greeting="two")
    life.run("plan", lambda: plan(PlanRequest(selection, bento=BENTO), tools))
    life.up()
    life.run("history", lambda: history(selection, tools))
    life.run("smoke-test", lambda: smoke_test(selection, tools))
    life.run("invoke", lambda: invoke(InvokeRequest(selection, data=EVENT), tools))
    life.run("rollback", lambda: rollback(RollbackRequest(selection), tools, confirm=yes))
    desk.build()
    life.configure({**HTTP_API, "cors": {"allow_origins": ["*"]}, "tags": {"team": "ml"}}, greeting="three")
    life.up()
    changed = {"cors": {"allow_origins": ["https://example.com"]}, "tags": {"owner": "ml"}, "timeout": 20}
    life.configure({**HTTP_API, **changed}, greeting="four", expected="five")
    life.up()
    life.configure(HTTP_API, greeting="five")
    life.up(canary="50%:1s")
    life.run("drift", lambda: drift(selection, tools))
    life.run("prune", lambda: prune(PruneRequest(selection, 1), tools, confirm=yes))
    life.run("down", lambda: down(selection, tools, confirm=yes))
    return life.steps()


def test_the_policy_allows_every_call(steps: tuple[Step, ...]) -> None:
    """Each command is allowed by the policy of the config that it runs with, on the resources that it names."""
    denied = {f"{step.command}: {one}" for step in steps for one in refused(step.policy, step.calls)}

    assert sorted(denied) == []
    assert {"Boto3", "APN"} == {call.program for step in steps for call in step.calls}


def test_the_policy_allows_nothing_else(steps: tuple[Step, ...]) -> None:
    """Every action of a statement is one that some call needs on a resource of that statement, or is explained."""
    needed = [one for step in steps for call in step.calls for one in asked(call)]
    unused = {
        f"{statement.sid}: {action}"
        for step in steps
        for statement in step.policy
        for action in statement.actions
        if statement.shown and not any(one.action == action and allows(statement, one) for one in needed)
    }

    assert sorted(unused) == []


def test_every_request_is_as_the_service_models_say(steps: tuple[Step, ...]) -> None:
    """Known operations, required members, names, types, lengths and words: botocore's models know them all."""
    wrong = {f"{call} of {call.program}: {one}" for step in steps for call in step.calls for one in problems(call)}

    assert sorted(wrong) == []


def test_the_execution_role_gets_what_is_printed(steps: tuple[Step, ...]) -> None:
    """`iam-policy --role` says what the template writes into the role, over all these configs."""
    policies = [
        call.parameters["PolicyDocument"] for step in steps for call in step.calls if str(call) == "iam:PutRolePolicy"
    ]
    written = {_comparable(one) for text in policies for one in json.loads(text)["Statement"]}
    roles = [document(execution_role_policy(step.config, account=ACCOUNT)) for step in steps if step.command == "up"]

    assert written == {_comparable(one) for role in roles for one in role["Statement"]}
    assert len(written) > 1


def _comparable(statement: Mapping[str, Any]) -> str:
    """As text, without its name; one action or resource may be written without a list."""
    listed = ("Action", "Resource")
    values = {key: [one] if key in listed and isinstance(one, str) else one for key, one in statement.items()}
    return json.dumps({key: one for key, one in values.items() if key != "Sid"}, sort_keys=True)

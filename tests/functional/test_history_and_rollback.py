"""`history`, `rollback` and `prune` on a machine that has only the config, against functions of a local AWS.

The releases are made with boto3 and tiny images; nothing here runs terraform. Every command runs twice.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from laptop import ROOT
from local_aws import ACCOUNT, HOST, REGION, LocalAws
from released_function import FAILS_AT_IMPORT, FAILS_AT_SAMPLES, ReleasedFunction, answers

from deployer.errors import DeployerError
from deployer.stages.rollback_target import move_live
from deployer.targets import Environment
from deployer.toolbox import real_toolbox
from deployer.tools.aws import Aws
from deployer.tools.aws_releases import AliasMoved
from deployer.workflows.deployment import Selection
from deployer.workflows.prune import PruneRequest, prune
from deployer.workflows.rollback import RollbackRequest, rollback

HOLD_THE_LOCK = """
import sys
from pathlib import Path
from deployer.workspace import Workspace
with Workspace.at(Path(sys.argv[1]), sys.argv[2], "aws").lock("up"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    local = LocalAws(tmp_path_factory.mktemp("releases"))
    local.start()
    yield local
    local.stop()


def door(aws: LocalAws) -> Aws:
    return Aws(Environment("aws", REGION, aws.status().address.aws_variables), {})


def released(aws: LocalAws, name: str, *handlers: str) -> ReleasedFunction:
    """A version for each handler, of the Bentos `digits:v1`, `digits:v2`, …; the last two have been live."""
    function = ReleasedFunction(aws, name)
    for number, handler in enumerate(handlers, 1):
        function.publish(handler, bento=f"v{number}")
    last = len(handlers)
    function.point("live", str(last), previous=str(last - 1) if last > 1 else "")
    return function


def test_the_history_is_read_from_aws_by_a_machine_that_has_deployed_nothing(aws: LocalAws, tmp_path: Path) -> None:
    """Every release with what its version says, the newest first; asking changes nothing."""
    function = released(aws, "told", answers(1), answers(2))
    function.publish(answers(3), bento="v3")
    machine = function.machine(tmp_path)
    told = machine.deployer_json("history")
    assert [
        {"version": "3", "bento": "digits:v3", "live": False, "candidate": True},
        {"version": "2", "bento": "digits:v2", "live": True, "candidate": False},
        {"version": "1", "bento": "digits:v1", "live": False, "candidate": False},
    ] == [{key: release[key] for key in ("version", "bento", "live", "candidate")} for release in told]
    assert [function.digests[release["version"]] for release in told] == [release["digest"] for release in told]
    assert [None] * 3 == [release["smoke_test"] for release in told]
    assert told == machine.deployer_json("history")
    assert "digits:v2" in machine.deployer("history", "--name", "told").stdout
    assert [".gitignore", "logs"] == sorted(path.name for path in (tmp_path / ".deployer").iterdir())


def test_a_rollback_goes_to_the_version_before_and_is_done_once(aws: LocalAws, tmp_path: Path) -> None:
    """Tested with the samples, moved by one call, noted at the function; a second one to there changes nothing."""
    function = released(aws, "back", answers(1), answers(2))
    machine = function.machine(tmp_path)
    back = machine.deployer_json("rollback")
    assert ("back", "1", "2", True, True) == (
        back["function_name"],
        back["version"],
        back["previous"],
        back["changed"],
        back["smoke_test"]["healthy"],
    )
    assert ("1", {}, "The version that answers requests; 2 did before.") == function.live()
    assert [1] == function.answer()
    assert {"1": "passed"} == function.smoke_tests()
    again = machine.deployer_json("rollback", "--to", "digits:v1")
    assert ("1", "1", False, None) == (again["version"], again["previous"], again["changed"], again["smoke_test"])
    assert "nothing changed" in machine.deployer("rollback", "--to", "1").stdout
    assert "2" == machine.deployer_json("rollback")["version"]
    assert [2] == function.answer()


@pytest.mark.parametrize(
    ("handler", "told"),
    [
        (FAILS_AT_IMPORT, "the function failed"),
        (FAILS_AT_SAMPLES, "these samples cannot be read"),
        (answers(9), "expected [2], got [9]"),
    ],
    ids=["import", "samples", "answer"],
)
def test_an_unhealthy_version_gets_no_traffic(
    aws: LocalAws, tmp_path: Path, request: pytest.FixtureRequest, handler: str, told: str
) -> None:
    """Exit code 4 with the report, each time; `live` stays and the result is in the history."""
    function = released(aws, f"unwell-{request.node.callspec.id}", handler, answers(2))
    machine = function.machine(tmp_path, expected=[2])
    for _ in range(2):
        ended = machine.deployer("rollback", code=4)
        assert told in ended.stderr
        assert "version 2 still answers" in ended.stderr
    assert ("2", {}) == function.live()[:2]
    assert ["failed", None] == [release["smoke_test"] for release in reversed(machine.deployer_json("history"))]


def test_a_version_that_has_passed_is_not_held_against_the_answer_of_a_newer_one(aws: LocalAws, tmp_path: Path) -> None:
    """Today's config expects what today's model answers."""
    function = released(aws, "models", answers(1), answers(2))
    arn = function.functions.get_function_configuration(FunctionName="models")["FunctionArn"]
    tag = {"deployer:smoke-test:1": "passed 2026-01-01T00:00:00Z"}
    function.functions.tag_resource(Resource=arn, Tags=tag)
    machine = function.machine(tmp_path, expected=[2])
    first = machine.deployer("rollback")
    assert "smoke_test.expected is not compared" in first.stderr
    assert [1] == function.answer()
    machine.deployer("rollback")
    assert [2] == function.answer()


def test_a_rollback_works_beside_a_running_up_and_ends_a_canary(aws: LocalAws, tmp_path: Path) -> None:
    """No lock is waited for: the weights are cleared, and the alias stays on the version that had not been left."""
    function = released(aws, "canary", answers(1), answers(2), answers(3))
    function.point("live", "2", previous="1", weights={"3": 0.5})
    machine = function.machine(tmp_path)
    argv = [sys.executable, "-c", HOLD_THE_LOCK, str(tmp_path), "canary"]
    with subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as up:
        assert up.stdout is not None
        assert up.stdout.readline() == "held\n"
        shares = machine.deployer("history").stdout
        first = machine.deployer_json("rollback")
        up.communicate("")
    assert "live 50 %" in shares
    assert ("2", "2", True) == (first["version"], first["previous"], first["changed"])
    assert ("2", {}, "The version that answers requests; 1 did before.") == function.live()
    second = machine.deployer_json("rollback")
    assert ("1", "2", True) == (second["version"], second["previous"], second["changed"])


def test_an_alias_that_is_moved_meanwhile_is_moved_all_the_same(aws: LocalAws) -> None:
    """By a canary's next step, or its end: what was asked for is still what is meant."""
    function = released(aws, "racing", answers(1), answers(2), answers(3))
    releases = door(aws).releases("racing")
    for named, (version, weights) in ((False, ("2", {"3": 0.5})), (False, ("3", {})), (True, ("1", {"3": 0.5}))):
        function.point("live", "2", previous="1", weights={"3": 0.1})
        read = releases.alias("live")
        assert read is not None
        function.point("live", version, previous="2", weights=weights)
        move_live(releases, read, "2", named=named)
        assert ("2", {}) == function.live()[:2]


def test_an_alias_that_means_another_version_by_now_is_left(aws: LocalAws) -> None:
    """Somebody else went back meanwhile: going to and fro is not what was asked for."""
    function = released(aws, "twice", answers(1), answers(2))
    releases = door(aws).releases("twice")
    read = releases.alias("live")
    assert read is not None
    function.point("live", "1", previous="2")
    for _ in range(2):
        with pytest.raises(AliasMoved):
            move_live(releases, read, "1", named=False)
    assert ("1", {}, "The version that answers requests; 2 did before.") == function.live()


def test_without_a_yes_nothing_is_done(aws: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked says what would be done."""
    function = released(aws, "asked", answers(1), answers(2), answers(3))
    machine = function.machine(tmp_path)
    monkeypatch.chdir(tmp_path)
    for name, value in machine.variables.items():
        monkeypatch.setenv(name, value)
    asked: list[str] = []

    def refuse(question: str) -> bool:
        asked.append(question)
        return False

    for _ in range(2):
        with pytest.raises(DeployerError, match="Nothing was changed"):
            rollback(RollbackRequest(Selection()), real_toolbox(), confirm=refuse)
        with pytest.raises(DeployerError, match="Nothing was removed"):
            prune(PruneRequest(Selection(), keep=1), real_toolbox(), confirm=refuse)
    assert asked[:2] == [
        "Move the traffic of asked from version 3 to version 2 (digits:v2) (aws)?",
        "Remove this from asked on target aws?",
    ]
    assert (["1", "2", "3"], {}, "3") == (function.versions(), function.smoke_tests(), function.live()[0])


def test_what_cannot_be_gone_back_to_is_told_before_anything_is_asked(aws: LocalAws, tmp_path: Path) -> None:
    """An image that is gone, a version that there never was, a first release; `live` is not touched."""
    function = released(aws, "gone", answers(1), answers(2))
    machine = function.machine(tmp_path)
    gone = [{"imageDigest": function.digests["1"]}]
    aws.aws("ecr").batch_delete_image(repositoryName="gone", imageIds=gone)
    for _ in range(2):
        assert "is not in the ECR repository gone" in machine.deployer("rollback", code=1).stderr
        unknown = machine.deployer("rollback", "--to", "7", code=2).stderr
        assert "There are: 2 (digits:v2), 1 (digits:v1)." in unknown
    function.point("live", "2")
    assert "does not say which version answered before" in machine.deployer("rollback", code=1).stderr
    assert ("2", {}) == function.live()[:2]
    nothing = machine.deployer("history", "--name", "missing", "--target", "aws", code=1).stderr
    assert "there is no Lambda function missing" in nothing


def test_old_versions_are_pruned_with_their_images_once(aws: LocalAws, tmp_path: Path) -> None:
    """Not what is live, nor what a rollback goes to, nor what another function uses; a second run finds nothing."""
    function = released(aws, "pruned", *(answers(0, number) for number in range(1, 7)))
    function.point("live", "3", previous="2")
    arn = function.functions.get_function_configuration(FunctionName="pruned")["FunctionArn"]
    function.functions.tag_resource(Resource=arn, Tags={"deployer:smoke-test:1": "failed x"})
    machine = function.machine(tmp_path)
    images = function.digests
    shared = {"ImageUri": f"{HOST}/pruned@{images['4']}"}
    function.functions.create_function(FunctionName="neighbour", Role=aws.role(), PackageType="Image", Code=shared)
    expected = [
        *("version 1 (digits:v1)", "version 4 (digits:v4)"),
        f"image {images['1']} of ECR repository pruned",
        "smoke test result of version 1",
    ]
    dry = machine.deployer_json("prune", "--keep", "2", "--dry-run")
    assert (sorted(expected), True) == (sorted(dry["removed"]), dry["dry_run"])
    assert [str(number) for number in range(1, 7)] == function.versions()
    done = machine.deployer_json("prune", "--keep", "2")
    assert {"removed": dry["removed"], "dry_run": False} == done
    assert {"removed": [], "dry_run": False} == machine.deployer_json("prune", "--keep", "2")
    assert ["2", "3", "5", "6"] == function.versions()
    assert {images[number] for number in ("2", "3", "4", "5", "6")} == function.images()
    assert {} == function.smoke_tests()
    assert "2" == machine.deployer_json("rollback")["version"]


def test_what_belongs_to_somebody_else_is_left_alone(aws: LocalAws, tmp_path: Path) -> None:
    """Images of a repository that another deployment owns, and a function that deployer did not make."""
    function = released(aws, "shared", answers(1), answers(2), answers(3))
    machine = function.machine(tmp_path)
    repository = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/shared"
    aws.aws("ecr").tag_resource(resourceArn=repository, tags=[{"Key": "deployer:name", "Value": "other"}])
    first, second = (machine.deployer("prune", "--keep", "1") for _ in range(2))
    assert (["removed version 1 (digits:v1)"], ["nothing to remove"]) == (
        first.stdout.splitlines(),
        second.stdout.splitlines(),
    )
    assert "shared is not this deployment's: its images stay" in first.stderr
    assert set(function.digests.values()) == function.images()
    arn = function.functions.get_function_configuration(FunctionName="shared")["FunctionArn"]
    function.functions.untag_resource(Resource=arn, TagKeys=["deployer:name"])
    for _ in range(2):
        assert "is no deployment of that name" in machine.deployer("rollback", code=1).stderr
        assert "is no deployment of that name" in machine.deployer("prune", "--keep", "1", code=1).stderr
    assert ("3", {}) == function.live()[:2]

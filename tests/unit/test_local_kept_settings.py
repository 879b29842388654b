"""Settings of a function that the local AWS keeps, shows and publishes by Lambda's rules, through boto3."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from local_aws import ACCOUNT, REGION, ask
from local_endpoint import LocalEndpoint
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request, Response

from deployer.local.cors import Cors
from deployer.local.functions import FunctionName
from deployer.local.invocation import Invocation, Run
from deployer.local.moto_aws import MotoAws
from deployer.stages.function_log import last_words

LABELS = {"com.amazonaws.lambda.feature.snapstart": "Allow"}
QUEUE, TOPIC = f"arn:aws:sqs:{REGION}:{ACCOUNT}:lost", f"arn:aws:sns:{REGION}:{ACCOUNT}:done"
ACCESS_POINT = f"arn:aws:elasticfilesystem:{REGION}:{ACCOUNT}:access-point/fsap-0123456789abcdef0"
SNAPSHOT = {"ApplyOn": "PublishedVersions"}
SETTINGS: dict[str, Any] = {
    "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"], "Ipv6AllowedForDualStack": True},
    "FileSystemConfigs": [{"Arn": ACCESS_POINT, "LocalMountPath": "/mnt/models"}],
    "DeadLetterConfig": {"TargetArn": QUEUE},
    "TracingConfig": {"Mode": "Active"},
    "KMSKeyArn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1",
    "LoggingConfig": {"LogFormat": "JSON", "ApplicationLogLevel": "DEBUG", "LogGroup": "/aws/lambda/other"},
}
NOTHING: dict[str, Any] = {
    "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []},
    "FileSystemConfigs": [],
    "DeadLetterConfig": {"TargetArn": ""},
    "TracingConfig": {"Mode": "PassThrough"},
    "KMSKeyArn": "",
    "LoggingConfig": {"LogFormat": "Text"},
}


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEndpoint]:
    made = LocalEndpoint(tmp_path_factory.mktemp("blobs"))
    yield made
    made.close()


def refused(call: Callable[..., Any], **asked: Any) -> tuple[int, str]:
    """The status and the exception's name that a call ends with."""
    with pytest.raises(ClientError) as caught:
        call(**asked)
    return caught.value.response["ResponseMetadata"]["HTTPStatusCode"], caught.value.response["Error"]["Code"]


def shown(configuration: dict[str, Any]) -> dict[str, Any]:
    """What was asked for, without what Lambda adds to it."""
    vpc = {name: value for name, value in configuration["VpcConfig"].items() if name != "VpcId"}
    return {**{name: configuration.get(name) for name in SETTINGS}, "VpcConfig": vpc}


def test_settings_are_kept_and_a_version_keeps_its_own(aws: LocalEndpoint) -> None:
    """By the creation, and by an update that takes everything back; levels belong to lines in JSON."""
    functions = aws.function("kept", **SETTINGS)
    logging = {**SETTINGS["LoggingConfig"], "SystemLogLevel": "INFO"}
    for qualifier in ("$LATEST", "1"):
        said = functions.get_function(FunctionName="kept", Qualifier=qualifier)["Configuration"]
        assert {**SETTINGS, "LoggingConfig": logging} == shown(said)
    functions.update_function_configuration(FunctionName="kept", **NOTHING)
    now = functions.get_function_configuration(FunctionName="kept")
    assert ([], [], "PassThrough") == (
        now["VpcConfig"]["SubnetIds"],
        now.get("FileSystemConfigs", []),
        now["TracingConfig"]["Mode"],
    )
    assert {"LogFormat": "Text", "LogGroup": "/aws/lambda/kept"} == now["LoggingConfig"]
    assert "DeadLetterConfig" not in now and not now.get("KMSKeyArn")
    before = functions.get_function_configuration(FunctionName="kept", Qualifier="1")
    assert {**SETTINGS, "LoggingConfig": logging} == shown(before)
    assert functions.publish_version(FunctionName="kept")["Version"] == "2"


def test_an_update_of_one_setting_leaves_the_others(aws: LocalEndpoint) -> None:
    """And a setting alone is reason for a new version."""
    functions = aws.function("alone", **SETTINGS)
    functions.update_function_configuration(FunctionName="alone", DeadLetterConfig={"TargetArn": TOPIC})
    published = functions.publish_version(FunctionName="alone")
    assert ("2", TOPIC) == (published["Version"], published["DeadLetterConfig"]["TargetArn"])
    assert SETTINGS["FileSystemConfigs"] == published["FileSystemConfigs"]


def test_the_architecture_changes_with_the_code(aws: LocalEndpoint) -> None:
    """UpdateFunctionCode alone takes it."""
    functions, image = aws.function("moved"), aws.image("moved", "for another processor")
    said = functions.update_function_code(FunctionName="moved", ImageUri=image, Architectures=["arm64"], Publish=True)
    assert ("2", ["arm64"]) == (said["Version"], said["Architectures"])
    assert ["x86_64"] == functions.get_function_configuration(FunctionName="moved", Qualifier="1")["Architectures"]


def test_a_snapshot_is_made_of_published_versions(aws: LocalEndpoint) -> None:
    """`$LATEST` has none; a version that was published without keeps being without."""
    code = {"ImageUri": aws.image("snapped", "with the label", labels=LABELS)}
    functions = aws.function("snapped", Code=code)
    functions.update_function_configuration(FunctionName="snapped", SnapStart=SNAPSHOT)
    functions.publish_version(FunctionName="snapped")
    described = [
        functions.get_function_configuration(FunctionName="snapped", Qualifier=qualifier)["SnapStart"]
        for qualifier in ("$LATEST", "1", "2")
    ]
    assert [
        {**SNAPSHOT, "OptimizationStatus": "Off"},
        {"ApplyOn": "None", "OptimizationStatus": "Off"},
        {**SNAPSHOT, "OptimizationStatus": "On"},
    ] == described


@pytest.mark.parametrize(
    ("labels", "settings"),
    [
        (None, {}),
        ({"com.amazonaws.lambda.feature.snapstart": "Deny"}, {}),
        (LABELS, {"EphemeralStorage": {"Size": 513}}),
        (LABELS, {"FileSystemConfigs": SETTINGS["FileSystemConfigs"], "VpcConfig": SETTINGS["VpcConfig"]}),
    ],
    ids=["no-label", "other-label", "storage", "efs"],
)
def test_a_version_that_cannot_be_snapped_is_not_published(
    aws: LocalEndpoint, labels: dict[str, str] | None, settings: dict[str, Any]
) -> None:
    """Neither by a creation, which then makes no function, nor by PublishVersion, nor with new code."""
    functions = aws.function("plain")
    uri, snapped = aws.image("plain", "unfit", labels=labels), {"SnapStart": SNAPSHOT, **settings}
    role = functions.get_function_configuration(FunctionName="plain")["Role"]
    asked = {"FunctionName": "unfit", "Role": role, "PackageType": "Image", "Code": {"ImageUri": uri}}
    wrong = (400, "InvalidParameterValueException")
    assert wrong == refused(functions.create_function, **asked, Publish=True, **snapped)
    functions.create_function(**asked, **snapped)
    assert wrong == refused(functions.publish_version, FunctionName="unfit")
    assert wrong == refused(functions.update_function_code, FunctionName="unfit", ImageUri=uri, Publish=True)
    for name in ("unfit", "plain"):
        functions.delete_function(FunctionName=name)


def test_provisioned_concurrency_is_of_an_alias(aws: LocalEndpoint) -> None:
    """Ready at once, within what is reserved, gone with its alias; `$LATEST` takes none."""
    functions = aws.function("warm")
    functions.create_alias(FunctionName="warm", Name="live", FunctionVersion="1")
    functions.put_function_concurrency(FunctionName="warm", ReservedConcurrentExecutions=3)
    live, wrong = {"FunctionName": "warm", "Qualifier": "live"}, (400, "InvalidParameterValueException")
    missing = (404, "ProvisionedConcurrencyConfigNotFoundException")
    put = functions.put_provisioned_concurrency_config
    assert missing == refused(functions.get_provisioned_concurrency_config, **live)
    assert wrong == refused(put, **live, ProvisionedConcurrentExecutions=4)
    assert wrong == refused(put, FunctionName="warm", Qualifier="$LATEST", ProvisionedConcurrentExecutions=1)
    assert refused(put, FunctionName="warm", Qualifier="nobody", ProvisionedConcurrentExecutions=1)[0] == 404
    put(**live, ProvisionedConcurrentExecutions=2)
    found = functions.get_provisioned_concurrency_config(**live)
    assert ("READY", 2, 2) == (
        found["Status"],
        found["RequestedProvisionedConcurrentExecutions"],
        found["AvailableProvisionedConcurrentExecutions"],
    )
    (listed,) = functions.list_provisioned_concurrency_configs(FunctionName="warm")["ProvisionedConcurrencyConfigs"]
    assert listed["FunctionArn"].endswith(":warm:live")
    fewer = {"FunctionName": "warm", "ReservedConcurrentExecutions": 1}
    assert wrong == refused(functions.put_function_concurrency, **fewer)
    functions.delete_alias(FunctionName="warm", Name="live")
    functions.create_alias(FunctionName="warm", Name="live", FunctionVersion="1")
    assert missing == refused(functions.get_provisioned_concurrency_config, **live)
    put(**live, ProvisionedConcurrentExecutions=1)
    functions.delete_provisioned_concurrency_config(**live)
    assert missing == refused(functions.get_provisioned_concurrency_config, **live)


def test_a_snapped_version_takes_no_provisioned_concurrency(aws: LocalEndpoint) -> None:
    """Lambda has one or the other."""
    code = {"ImageUri": aws.image("either", "with the label", labels=LABELS)}
    functions = aws.function("either", Code=code, SnapStart=SNAPSHOT)
    asked = {"FunctionName": "either", "Qualifier": "1", "ProvisionedConcurrentExecutions": 1}
    wrong = (400, "InvalidParameterValueException")
    assert wrong == refused(functions.put_provisioned_concurrency_config, **asked)
    functions.update_function_configuration(FunctionName="either", SnapStart={"ApplyOn": "None"})
    live = {"FunctionName": "either", "Name": "live"}
    functions.publish_version(FunctionName="either")
    functions.create_alias(**live, FunctionVersion="2")
    functions.put_provisioned_concurrency_config(**{**asked, "Qualifier": "live"})
    assert wrong == refused(functions.update_alias, **live, FunctionVersion="1")
    share = {"AdditionalVersionWeights": {"1": 0.1}}
    assert wrong == refused(functions.update_alias, **live, RoutingConfig=share)
    assert functions.update_alias(**live, FunctionVersion="2")["FunctionVersion"] == "2"


def test_nothing_reserved_and_everything_refused_are_told_apart(aws: LocalEndpoint) -> None:
    """Zero turns a function off; terraform reads it from GetFunction."""
    functions = aws.function("off")
    assert "Concurrency" not in functions.get_function(FunctionName="off")
    functions.put_function_concurrency(FunctionName="off", ReservedConcurrentExecutions=0)
    assert {"ReservedConcurrentExecutions": 0} == functions.get_function(FunctionName="off")["Concurrency"]
    functions.delete_function_concurrency(FunctionName="off")
    assert "Concurrency" not in functions.get_function(FunctionName="off")


def test_each_qualifier_has_its_own_settings_for_events(aws: LocalEndpoint) -> None:
    """A put replaces, an update changes what it names, and an alias takes its own along."""
    functions = aws.function("later")
    functions.create_alias(FunctionName="later", Name="live", FunctionVersion="1")
    live, missing = {"FunctionName": "later", "Qualifier": "live"}, (404, "ResourceNotFoundException")
    destinations = {"OnFailure": {"Destination": QUEUE}, "OnSuccess": {"Destination": TOPIC}}
    put = functions.put_function_event_invoke_config
    put(**live, MaximumRetryAttempts=0, DestinationConfig=destinations)
    put(FunctionName="later", MaximumEventAgeInSeconds=60)
    functions.update_function_event_invoke_config(**live, MaximumRetryAttempts=1)
    found = functions.get_function_event_invoke_config(**live)
    assert (1, destinations) == (found["MaximumRetryAttempts"], found["DestinationConfig"])
    assert "MaximumEventAgeInSeconds" not in found and found["FunctionArn"].endswith(":later:live")
    listed = functions.list_function_event_invoke_configs(FunctionName="later")["FunctionEventInvokeConfigs"]
    assert [":live", "ATEST"] == [one["FunctionArn"][-5:] for one in listed]
    put(**live, MaximumRetryAttempts=2)
    assert "DestinationConfig" not in functions.get_function_event_invoke_config(**live)
    functions.delete_function_event_invoke_config(FunctionName="later")
    assert missing == refused(functions.get_function_event_invoke_config, FunctionName="later")
    functions.delete_alias(FunctionName="later", Name="live")
    functions.create_alias(FunctionName="later", Name="live", FunctionVersion="1")
    for call in (functions.get_function_event_invoke_config, functions.update_function_event_invoke_config):
        assert missing == refused(call, **live)


def test_what_is_kept_for_a_function_goes_with_it(aws: LocalEndpoint) -> None:
    """One of the same name begins without."""
    for _ in range(2):
        functions = aws.function("anew", Publish=True)
        asked = {"FunctionName": "anew", "Qualifier": "1"}
        assert refused(functions.get_provisioned_concurrency_config, **asked)[0] == 404
        functions.put_provisioned_concurrency_config(**asked, ProvisionedConcurrentExecutions=1)
        functions.delete_function(FunctionName="anew")


def test_a_permission_names_its_conditions(aws: LocalEndpoint) -> None:
    """For requests through the URL; of the wrong action it is refused, as on AWS."""
    functions = aws.function("narrow")
    asked = {"FunctionName": "narrow", "StatementId": "PublicInvoke", "Principal": "*"}
    said = functions.add_permission(**asked, Action="lambda:InvokeFunction", InvokedViaFunctionUrl=True)
    (kept,) = json.loads(functions.get_policy(FunctionName="narrow")["Policy"])["Statement"]
    assert kept == json.loads(said["Statement"])
    assert {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}} == kept["Condition"]
    assert "InvokedViaFunctionUrl" not in kept
    add, other = functions.add_permission, {**asked, "StatementId": "Other"}
    for action, wrong in (
        ("InvokeFunction", {"FunctionUrlAuthType": "NONE"}),
        ("InvokeFunctionUrl", {"InvokedViaFunctionUrl": True}),
    ):
        assert (400, "InvalidParameterValueException") == refused(add, **other, Action=f"lambda:{action}", **wrong)


ORIGIN = "https://app.example.com"
CORS = {"AllowOrigins": [ORIGIN], "AllowMethods": ["POST"], "AllowHeaders": ["x-a"], "MaxAge": 60}


def cors_in(headers: Headers) -> dict[str, str]:
    return {name.lower()[15:]: value for name, value in headers.items() if name.lower().startswith("access-control-")}


def test_a_url_answers_preflights_and_names_who_may_read(aws: LocalEndpoint) -> None:
    """A preflight needs no signature and asks no function; a refusal can be read too; taken back, it is silent."""
    functions = aws.function("paged")
    functions.create_alias(FunctionName="paged", Name="live", FunctionVersion="1")
    named = {"FunctionName": "paged", "Qualifier": "live"}
    url = functions.create_function_url_config(**named, AuthType="AWS_IAM", Cors=CORS)["FunctionUrl"]
    assert CORS == functions.get_function_url_config(**named)["Cors"]
    preflight = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    allowed = {"allow-origin": ORIGIN, "allow-methods": "POST", "allow-headers": "x-a", "max-age": "60"}
    assert allowed == cors_in(Headers(ask("OPTIONS", url, headers=preflight).headers))
    other = {**preflight, "Origin": "https://example.org"}
    assert {} == cors_in(Headers(ask("OPTIONS", url, headers=other).headers))
    ask("OPTIONS", url, headers={"Origin": ORIGIN}, status=403)
    assert {"allow-origin": ORIGIN} == cors_in(Headers(ask("POST", url, headers=preflight, status=403).headers))
    functions.update_function_url_config(**named, Cors={})
    assert "Cors" not in functions.get_function_url_config(**named)
    assert {} == cors_in(Headers(ask("OPTIONS", url, headers=preflight, status=403).headers))


@pytest.mark.parametrize(
    ("cors", "said"),
    [
        ({"AllowOrigins": ["*"]}, {"allow-origin": "*"}),
        ({"AllowOrigins": [ORIGIN, "*"], "ExposeHeaders": ["x-a"]}, {"allow-origin": "*", "expose-headers": "x-a"}),
        (
            {"AllowOrigins": ["*"], "AllowCredentials": True},
            {"allow-origin": ORIGIN, "allow-credentials": "true"},
        ),
        ({"AllowOrigins": ["https://example.org"]}, {}),
    ],
)
def test_an_origin_is_allowed_by_its_name_where_credentials_are(
    aws: LocalEndpoint, cors: dict[str, Any], said: dict[str, str]
) -> None:
    """A browser takes no star for them; without them a star is for everybody."""
    functions = aws.function("trusted")
    made = functions.create_function_url_config(FunctionName="trusted", AuthType="AWS_IAM", Cors=cors)
    answer = ask("GET", made["FunctionUrl"], headers={"Origin": ORIGIN}, status=403)
    assert said == cors_in(Headers(answer.headers))
    functions.delete_function(FunctionName="trusted")


def test_the_function_may_say_more_of_cors() -> None:
    """Both are sent, and a browser refuses an origin that is allowed twice (Lambda's guide): a mistake to see here."""
    response = Response(headers={"Access-Control-Allow-Origin": "*"})
    request = Request(EnvironBuilder(headers={"Origin": ORIGIN}).get_environ())
    Cors.of(CORS).add_to(response, request)
    assert ["*", ORIGIN] == response.headers.getlist("Access-Control-Allow-Origin")


def test_a_function_that_logs_in_json_is_told_so(aws: LocalEndpoint) -> None:
    """By the variables that Lambda sets, whatever the function's own say; and Lambda's lines are in JSON too."""
    own = {"Variables": {"AWS_LAMBDA_LOG_LEVEL": "ERROR", "A": "b"}}
    logging = {"LogFormat": "JSON", "ApplicationLogLevel": "DEBUG"}
    aws.function("told", Environment=own, LoggingConfig=logging)
    aws.function("silent", Environment=own)
    told, silent = (MotoAws().version(FunctionName(ACCOUNT, REGION, name), "1") for name in ("told", "silent"))
    assert {"A": "b", "AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "DEBUG"} == told.variables
    assert (own["Variables"], "Text") == (silent.variables, silent.log_format)
    run = Run(Invocation(b"{}", told.function.arn, request_id="r-1"), result=(b"{}", ""))
    (report,) = (json.loads(line) for line in run.closing_lines(told, peak_megabytes=9, init_seconds=0.5))
    assert ("platform.report", "r-1", "success") == (
        report["type"],
        report["record"]["requestId"],
        report["record"]["status"],
    )
    assert (128, 9, 500.0) == tuple(
        report["record"]["metrics"][name] for name in ("memorySizeMB", "maxMemoryUsedMB", "initDurationMs")
    )
    start = json.loads(run.opening_line(told))
    assert ("platform.start", {"requestId": "r-1", "version": "1"}) == (start["type"], start["record"])
    assert () == last_words([run.opening_line(told), *run.closing_lines(told, peak_megabytes=9, init_seconds=None)])
    run.result = (b"{}", "Unhandled")
    failed = json.loads(run.closing_lines(told, peak_megabytes=9, init_seconds=None)[0])["record"]
    assert ("error", False) == (failed["status"], "initDurationMs" in failed["metrics"])

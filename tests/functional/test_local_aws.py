"""The local AWS as its users meet it: a real daemon, real processes, boto3 and HTTP."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from local_aws import ARCHITECTURE, PYTHON, REGION, LocalAws, ask, tiny_image, within

from deployer.image.rebased import TMP

HANDLER = """
import os, sys

def handle(event, context):
    print("handling", event.get("do"))
    return globals()[event.get("do", "echo")](event, context)

def echo(event, context):
    return event

def where(event, context):
    return {"arn": context.invoked_function_arn, "version": os.environ["AWS_LAMBDA_FUNCTION_VERSION"]}

def variables(event, context):
    return dict(os.environ)

def find(event, context):
    import importlib.util
    return [name for name in event["modules"] if importlib.util.find_spec(name)]

def write(event, context):
    return {path: attempt(path) for path in event["paths"]}

def attempt(path):
    try:
        with open(path, "w") as file:
            file.write("x")
    except OSError as error:
        return type(error).__name__
    return "written"

def fill(event, context):
    try:
        with open("/tmp/big", "wb") as file:
            for _ in range(event["megabytes"]):
                file.write(bytes(1024 * 1024))
    except OSError as error:
        return os.strerror(error.errno)
    return "written"

def semaphore(event, context):
    import multiprocessing
    try:
        multiprocessing.Lock()
    except OSError as error:
        return "OSError"
    return "lock"

def web(event, context):
    body = {"path": event["rawPath"], "query": event["rawQueryString"], "body": event.get("body")}
    import json
    return {"statusCode": 201, "headers": {"X-Served": "yes"}, "cookies": ["a=1", "b=2"], "body": json.dumps(body)}

"""


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """One daemon with one function, `digits`."""
    local = LocalAws(tmp_path_factory.mktemp("local"))
    local.start()
    local.function("digits", HANDLER)
    yield local
    local.stop()


def full(aws: LocalAws) -> None:
    """Skip where the system has no user namespaces."""
    status = aws.status()
    if status.isolation != "full":
        pytest.skip(f"no sandbox here: {status.isolation_reason}")


def test_an_invoke_reaches_the_images_handler(aws: LocalAws) -> None:
    """Payload in, payload out, and the version that ran is named."""
    answer = aws.invoke("digits", {"a": [1, "ü"]}, Qualifier="1")
    assert ({"a": [1, "ü"]}, "1", "") == (answer.result, answer.version, answer.error)


def test_the_function_is_told_how_it_was_called(aws: LocalAws) -> None:
    """The ARN has the caller's qualifier, the variable the version behind it."""
    told = aws.invoke("digits", {"do": "where"}, Qualifier="1").result
    assert ("digits:1", "1") == (":".join(told["arn"].split(":")[-2:]), told["version"])


def test_an_error_of_the_function_comes_with_its_traceback(aws: LocalAws) -> None:
    """Type, message and stack trace, as from Lambda, and in the log too."""
    answer = aws.invoke("digits", {"do": "missing"})
    assert ("Unhandled", "KeyError") == (answer.error, answer.result["errorType"])
    assert any("in handle" in line for line in answer.result["stackTrace"])
    assert "[ERROR] KeyError: 'missing'" in answer.log


def test_the_function_sees_nothing_of_the_hosts_environment(aws: LocalAws) -> None:
    """Only what the image, Lambda and the local AWS set is there."""
    seen = aws.invoke("digits", {"do": "variables"}, Qualifier="1").result
    keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    prefixes = ("AWS_LAMBDA_", "LAMBDA_", *keys, "AWS_ENDPOINT_URL", "_HANDLER")
    others = {"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_EC2_METADATA_DISABLED", "PATH", "PYTHONPATH", "HOME", "TZ"}
    without_sandbox = {"TMPDIR", "PYTHONDONTWRITEBYTECODE"} if aws.status().isolation != "full" else set()
    of_python = {"LC_CTYPE"}  # set by the interpreter itself
    expected = others | without_sandbox | of_python
    assert {name for name in seen if not name.startswith(prefixes)} - expected == set()
    assert ("/usr/local/bin:/usr/bin:/bin", aws.status().address.endpoint) == (seen["PATH"], seen["AWS_ENDPOINT_URL"])


def test_packages_of_the_host_cannot_be_imported(aws: LocalAws) -> None:
    """deployer's own dependencies are installed beside the interpreter that runs this test, and stay there."""
    assert ["awslambdaric", "app"] == aws.invoke(
        "digits", {"do": "find", "modules": ["moto", "pytest", "pip", "deployer", "awslambdaric", "app"]}
    ).result


def test_only_tmp_can_be_written_to(aws: LocalAws) -> None:
    """A read-only file system, as on Lambda: the image, the system, and nothing of the user's is even there."""
    full(aws)
    root = next(iter((aws.folders.cache / "roots").iterdir()))
    paths = [f"{TMP}/x", "/x", "/usr/x", "/etc/x", f"{root}/x", str(aws.folders.state / "x")]
    assert ["written", *["OSError"] * 4, "FileNotFoundError"] == list(
        aws.invoke("digits", {"do": "write", "paths": paths}).result.values()
    )


def test_tmp_is_as_large_as_the_function_asked(aws: LocalAws) -> None:
    """Writing more than the ephemeral storage fails as a full disk."""
    full(aws)
    assert "No space left on device" == aws.invoke("digits", {"do": "fill", "megabytes": 600}, Qualifier="1").result


def test_posix_semaphores_fail(aws: LocalAws) -> None:
    """No /dev/shm: what fails on Lambda fails here first."""
    full(aws)
    assert "OSError" == aws.invoke("digits", {"do": "semaphore"}).result


def test_a_dry_run_runs_nothing_and_an_event_is_answered_at_once(aws: LocalAws) -> None:
    """The three invocation types of the Invoke API."""
    functions = aws.aws("lambda")
    assert 204 == functions.invoke(FunctionName="digits", InvocationType="DryRun")["StatusCode"]
    assert 202 == functions.invoke(FunctionName="digits", InvocationType="Event")["StatusCode"]


def test_unknown_functions_and_versions_are_said(aws: LocalAws) -> None:
    """With AWS's own exception."""
    functions = aws.aws("lambda")
    for name, qualifier in (("nobody", "$LATEST"), ("digits", "99"), ("digits", "absent")):
        with pytest.raises(functions.exceptions.ResourceNotFoundException, match=name):
            functions.invoke(FunctionName=name, Qualifier=qualifier)


def test_a_payload_over_6_mb_is_refused(aws: LocalAws) -> None:
    """Lambda's limit for a request."""
    with pytest.raises(ClientError, match="RequestTooLarge"):
        aws.aws("lambda").invoke(FunctionName="digits", Payload=json.dumps("x" * 6 * 1024 * 1024))


def test_an_older_version_runs_its_own_image(aws: LocalAws) -> None:
    """After an update the old version answers with its old code, and GetFunction names its old image."""
    aws.function("release", "def handle(event, context): return 'old'\n")
    new = aws.push("release", tiny_image("def handle(event, context): return 'new'\n"), tag="v2")
    functions = aws.aws("lambda")
    old = functions.get_function(FunctionName="release", Qualifier="1")["Code"]["ImageUri"]
    functions.update_function_code(FunctionName="release", ImageUri=new, Publish=True)
    assert ["old", "new", "new"] == [
        aws.invoke("release", Qualifier=qualifier).result for qualifier in ("1", "2", "$LATEST")
    ]
    described = functions.get_function(FunctionName="release", Qualifier="1")
    assert (old, old) == (described["Code"]["ImageUri"], described["Code"]["ResolvedImageUri"])
    assert old.partition("@sha256:")[2] == described["Configuration"]["CodeSha256"]


def test_a_function_of_an_image_that_is_not_there_cannot_be_made(aws: LocalAws) -> None:
    """AWS says so at once, and so does this."""
    uri = f"123456789012.dkr.ecr.{REGION}.amazonaws.com/digits@sha256:{'0' * 64}"
    with pytest.raises(ClientError, match=r"Source image .* does not exist"):
        aws.aws("lambda").create_function(
            FunctionName="other", Role=aws.role(), PackageType="Image", Code={"ImageUri": uri}
        )


def test_a_public_url_answers_http(aws: LocalAws) -> None:
    """Path, query and body go in; status, headers and cookies come out; and the URL is on the loopback address."""
    aws.function("web", HANDLER.replace('event.get("do", "echo")', '"web"'))
    url = aws.url("web")
    assert url.startswith("http://127.0.0.1:") and url.endswith("/")
    headers = {"Content-Type": "application/json"}
    answer = ask("POST", f"{url}a%20b?x=1", headers=headers, body=b'{"z": 1}', status=201)
    assert {"path": "/a%20b", "query": "x=1", "body": '{"z": 1}'} == json.loads(answer.data)
    assert ("yes", ["a=1", "b=2"]) == (answer.headers["X-Served"], answer.headers.getlist("Set-Cookie"))
    config = aws.aws("lambda").get_function_url_config(FunctionName="web", Qualifier="live")
    assert (url, "NONE") == (config["FunctionUrl"], config["AuthType"])


def test_a_public_url_needs_both_permissions(aws: LocalAws) -> None:
    """Without either of the two statements AWS answers 403."""
    aws.function("closed", HANDLER)
    url = aws.url("closed")
    functions = aws.aws("lambda")
    ask("GET", url, status=200)
    functions.remove_permission(FunctionName="closed", Qualifier="live", StatementId="public1")
    ask("GET", url, status=403)


def test_a_url_with_iam_takes_signed_requests_only(aws: LocalAws) -> None:
    """Unsigned 403, signed with the local keys 200, signed with others 403."""
    aws.function("private", HANDLER)
    url = aws.url("private", auth="AWS_IAM")
    address = aws.status().address
    ask("GET", url, status=403)
    ask("GET", url, headers=signed(url, address.access_key_id, address.secret_access_key), status=200)
    ask("GET", url, headers=signed(url, address.access_key_id, "guess"), status=403)


def signed(url: str, key: str, secret: str) -> dict[str, str]:
    request = AWSRequest("GET", url)
    SigV4Auth(Credentials(key, secret), "lambda", REGION).add_auth(request)
    return {name: str(value) for name, value in request.headers.items()}


def test_a_moved_alias_counts_at_once(aws: LocalAws) -> None:
    """The URL on `live` follows UpdateAlias without anything else."""
    aws.function("moving", "def handle(event, context): return 'one'\n")
    url = aws.url("moving")
    assert b"one" == ask("GET", url).data
    uri = aws.push("moving", tiny_image("def handle(event, context): return 'two'\n"), tag="v2")
    functions = aws.aws("lambda")
    functions.update_function_code(FunctionName="moving", ImageUri=uri, Publish=True)
    assert b"one" == ask("GET", url).data
    functions.update_alias(FunctionName="moving", Name="live", FunctionVersion="2")
    assert b"two" == ask("GET", url).data


def test_two_aliases_have_a_url_each(aws: LocalAws) -> None:
    """`candidate` does not replace `live`."""
    aws.function("two", HANDLER)
    urls = {aws.url("two"), aws.url("two", qualifier="candidate")}
    listed = aws.aws("lambda").list_function_url_configs(FunctionName="two")["FunctionUrlConfigs"]
    assert urls == {config["FunctionUrl"] for config in listed} and len(urls) == 2


def test_output_and_reports_are_in_cloudwatch_logs(aws: LocalAws) -> None:
    """In the function's group, a stream per environment, START, output, END and REPORT in this order."""
    aws.function("logged", HANDLER)
    aws.invoke("logged", {"do": "echo"}, Qualifier="1")
    logs = aws.aws("logs")

    def messages() -> list[str]:
        try:
            found = logs.filter_log_events(logGroupName="/aws/lambda/logged")["events"]
        except logs.exceptions.ResourceNotFoundException:
            return []
        return [event["message"] for event in found]

    assert within(5, lambda: any(message.startswith("REPORT") for message in messages()))
    assert ["START", "handling", "END", "REPORT"] == [message.split()[0] for message in messages()]
    stream = logs.describe_log_streams(logGroupName="/aws/lambda/logged")["logStreams"][0]["logStreamName"]
    assert "/[1]" in stream


def test_a_deleted_function_leaves_nothing(aws: LocalAws) -> None:
    """Its URL, its environments and, once deleted, its log group are gone for good."""
    aws.function("brief", HANDLER)
    url = aws.url("brief")
    ask("GET", url)
    logs = aws.aws("logs")
    assert within(5, lambda: bool(logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/brief")["logGroups"]))
    aws.aws("lambda").delete_function(FunctionName="brief")
    logs.delete_log_group(logGroupName="/aws/lambda/brief")
    ask("GET", url, status=404)
    time.sleep(0.5)
    groups = logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/brief")["logGroups"]
    assert ([], []) == (groups, [one for one in aws.status().environments if one.startswith("brief")])


def test_nothing_is_answered_to_strangers(aws: LocalAws) -> None:
    """Another name, a web page, or another key: 403, on both addresses."""
    address = aws.status().address
    for place in (address.endpoint, f"{address.gateway}/v2/"):
        ask("GET", place, headers={"Host": "evil.example"}, status=403)
    ask("GET", address.endpoint, status=403)
    ask("POST", f"{address.endpoint}/moto-api/reset", headers={"Origin": "https://evil.example"}, status=403)


def test_only_the_loopback_address_listens(aws: LocalAws) -> None:
    """Seen from the kernel's side."""
    import psutil

    listening = [
        one.laddr.ip
        for one in psutil.Process(aws.status().address.pid).net_connections("inet")
        if one.status == "LISTEN"
    ]
    assert {"127.0.0.1"} == set(listening)


def test_settings_that_moto_drops_are_kept(aws: LocalAws) -> None:
    """Without this every terraform plan would show a change of ephemeral storage."""
    aws.function("settings", HANDLER)
    functions = aws.aws("lambda")
    changed: dict[str, Any] = {"EphemeralStorage": {"Size": 1024}, "Timeout": 7}
    functions.update_function_configuration(FunctionName="settings", **changed)
    after = functions.get_function_configuration(FunctionName="settings")
    assert changed == {name: after[name] for name in changed}


def base_layer(*entries: tuple[tarfile.TarInfo, bytes]) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for info, content in entries:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return gzip.compress(raw.getvalue(), 1)


def base_entry(name: str, content: str = "", *, kind: bytes = tarfile.REGTYPE, link: str = "") -> Any:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, link, 0o755
    return info, content.encode()


def test_an_image_with_a_base_runs_on_the_hosts_python(aws: LocalAws) -> None:
    """Its Python's packages are found, what a layer took away is gone, and no C library of the base is loaded."""
    python = f"usr/local/lib/python{PYTHON}/site-packages"
    base = [
        base_layer(
            base_entry("usr/lib/libc.so.6", "not a library"),
            base_entry("lib", kind=tarfile.SYMTYPE, link="usr/lib"),
            base_entry("usr/local/bin/python3", "not a program"),
            base_entry("dev/null", kind=tarfile.CHRTYPE),
            base_entry(f"{python}/of_the_base.py"),
            base_entry(f"{python}/taken_away.py"),
        ),
        base_layer(base_entry(f"{python}/.wh.taken_away.py"), base_entry("lib/data", "x")),
    ]
    variables = ["LD_LIBRARY_PATH=/lib:/usr/lib", "PYTHONHOME=/usr/local", "DATA=/lib/data"]
    image = tiny_image(HANDLER, base=base, variables=variables, program="/usr/local/bin/python3")
    settings = {"Timeout": 10, "MemorySize": 256, "Role": aws.role(), "PackageType": "Image"}
    uri = aws.push("based", image)
    aws.aws("lambda").create_function(FunctionName="based", Code={"ImageUri": uri}, **settings)
    modules = ["of_the_base", "taken_away", "app", "json"]
    assert ["of_the_base", "app", "json"] == aws.invoke("based", {"do": "find", "modules": modules}).result
    seen = aws.invoke("based", {"do": "variables"}).result
    assert seen["DATA"].endswith("/usr/lib/data")
    assert {"LD_LIBRARY_PATH", "PYTHONHOME"} & set(seen) == set()
    assert {seen["PATH"]} == {"/usr/local/bin:/usr/bin:/bin"}


def test_an_image_for_another_processor_says_so(aws: LocalAws) -> None:
    """To the caller and in the function's log."""
    other = "amd64" if ARCHITECTURE == "arm64" else "arm64"
    uri = aws.push("other-machine", tiny_image(HANDLER, architecture=other))
    functions, logs = aws.aws("lambda"), aws.aws("logs")
    functions.create_function(
        FunctionName="other-machine", Role=aws.role(), PackageType="Image", Code={"ImageUri": uri}
    )
    with pytest.raises(ClientError, match="The image is for"):
        functions.invoke(FunctionName="other-machine")

    def said() -> bool:
        try:
            found = logs.filter_log_events(logGroupName="/aws/lambda/other-machine")["events"]
        except logs.exceptions.ResourceNotFoundException:
            return False
        return any("The image is for" in event["message"] for event in found)

    assert within(5, said)

"""The address file and what the daemon's two guards let through."""

from __future__ import annotations

import stat
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from local_aws import ACCOUNT, REGION
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from deployer.errors import DeployerError
from deployer.local import address as addresses
from deployer.local.address import Address, Folders
from deployer.local.ecr import Repository, parse_uri
from deployer.local.functions import FunctionName
from deployer.local.guard import refuse_other_names, refuse_strangers
from deployer.local.signature import Keys, SignedRequest, is_signed
from deployer.local.url_configs import UrlConfig, UrlConfigs
from deployer.targets.local import LocalTarget
from deployer.tools.process import Processes

KEYS = Keys("LOCALAAAAAAAAAAAAAAA", "secret")
URL = "http://127.0.0.1:5/lambda-url/abc/predict?a=b&c=d%2Fe"


def address(**changes: Any) -> Address:
    values = {"pid": 1, "created": 2.5, "endpoint_port": 3, "gateway_port": 4}
    return Address(**{**values, "access_key_id": "K", "secret_access_key": "S", **changes})


def test_an_address_is_read_as_it_was_written(tmp_path: Path) -> None:
    """And only its owner may read it, for it holds the key."""
    addresses.write(tmp_path, address())
    assert addresses.read(tmp_path) == address()
    assert stat.S_IMODE(addresses.path(tmp_path).stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '{"unknown": 1}'])
def test_a_damaged_address_file_counts_as_none(tmp_path: Path, text: str) -> None:
    """The next start writes it anew."""
    addresses.path(tmp_path).write_text(text)
    assert addresses.read(tmp_path) is None


def test_a_restarted_daemon_asks_for_the_same_ports_and_keys() -> None:
    """So that URLs and terraform's environment survive a restart."""
    assert addresses.next_address(address(), pid=9, created=8.0) == address(pid=9, created=8.0)


def test_a_first_daemon_has_keys_of_its_own_that_moto_can_read() -> None:
    """Twenty capitals and digits, different for every user."""
    first, second = (addresses.next_address(None, pid=1, created=1.0) for _ in "ab")
    assert (first.endpoint_port, first.gateway_port) == (0, 0)
    assert first.access_key_id.isalnum() and first.access_key_id.isupper() and len(first.access_key_id) == 20
    assert first.access_key_id != second.access_key_id and first.secret_access_key != second.secret_access_key


def test_no_daemon_is_said_and_nothing_is_started(tmp_path: Path) -> None:
    """`reach` looks and does not touch."""
    folders = Folders(state=tmp_path / "state", cache=tmp_path / "cache")
    target = LocalTarget(runner=Processes(), variables={}, folders=folders)
    with pytest.raises(DeployerError, match="The local AWS is not running"):
        target.reach(region=REGION)
    assert list(tmp_path.iterdir()) == []


def request(host: str = "127.0.0.1:5", **headers: str) -> Request:
    return Request(EnvironBuilder("/", headers={"Host": host, **headers}).get_environ())


@pytest.mark.parametrize(
    ("host", "status"), [("127.0.0.1:5", 0), ("localhost:5", 0), ("evil.example:5", 403), ("", 403)]
)
def test_a_request_under_another_name_is_refused(host: str, status: int) -> None:
    """A page of another site that was pointed here by its DNS name gets nothing."""
    refused = refuse_other_names(request(host))
    assert (refused.status_code if refused else 0) == status


def signed_headers(
    *, keys: Keys = KEYS, body: bytes = b"{}", url: str = URL, service: str = "lambda"
) -> dict[str, str]:
    made = AWSRequest("POST", url, data=body, headers={"Content-Type": "application/json"})
    SigV4Auth(Credentials(keys.access_key_id, keys.secret_access_key), service, REGION).add_auth(made)
    return {"host": "127.0.0.1:5", **{name.lower(): str(value) for name, value in made.headers.items()}}


def test_only_the_holder_of_the_key_reaches_the_control_plane() -> None:
    """Another user of this machine does not know it, and a web page shows itself by its origin."""
    good = signed_headers()["authorization"]
    other = signed_headers(keys=Keys("LOCALBBBBBBBBBBBBBBB", "secret"))["authorization"]
    assert refuse_strangers(request(Authorization=good), KEYS) is None
    for headers in ({}, {"Authorization": other}, {"Authorization": good, "Origin": "https://evil.example"}):
        refused = refuse_strangers(request(**headers), KEYS)
        assert refused is not None and refused.status_code == 403


def check(headers: dict[str, str], *, body: bytes = b"{}", url: str = URL, now: datetime | None = None) -> bool:
    return is_signed(SignedRequest("POST", url, headers, body), keys=KEYS, service="lambda", region=REGION, now=now)


def test_a_request_signed_by_botocore_is_accepted() -> None:
    """Query strings and encoded characters included."""
    assert check(signed_headers())


def test_a_signature_holds_for_exactly_one_request() -> None:
    """Another body, path, key, service or hour, or no signature, is refused."""
    headers = signed_headers()
    later = datetime.now(timezone.utc) + timedelta(hours=1)
    attempts = {
        "body": check(headers, body=b"[]"),
        "path": check(headers, url=URL.replace("predict", "other")),
        "hour": check(headers, now=later),
        "key": check(signed_headers(keys=Keys(KEYS.access_key_id, "guess"))),
        "service": check(signed_headers(service="s3")),
        "none": check({"host": "127.0.0.1:5"}),
        "claimed body": check({**headers, "x-amz-content-sha256": "0" * 64}),
    }
    assert [name for name, accepted in attempts.items() if accepted] == []


def test_image_uris_are_split_into_repository_and_tag_or_digest() -> None:
    """Nested names and both kinds of reference; anything else is no image of ECR."""
    repository = Repository(ACCOUNT, REGION, "team/digits")
    digest = "sha256:" + "0" * 64
    assert parse_uri(f"{repository.uri}:v1") == (repository, "v1")
    assert parse_uri(f"{repository.uri}@{digest}") == (repository, digest)
    assert [parse_uri(text) for text in ("", "python:3.11", repository.uri)] == [None, None, None]


def test_each_alias_has_a_url_of_its_own_that_is_the_same_again() -> None:
    """`candidate` and `live` do not overwrite each other, and a new daemon gives the same URLs."""
    function = FunctionName(ACCOUNT, REGION, "digits")
    configs, again = UrlConfigs(), UrlConfigs()
    for place in (configs, again):
        for qualifier in ("live", "candidate"):
            assert place.create(UrlConfig(function, qualifier, "NONE"))
    live, candidate = configs.of(function)
    assert live.id != candidate.id
    assert [config.id for config in configs.of(function)] == [config.id for config in again.of(function)]
    assert not configs.create(UrlConfig(function, "live", "AWS_IAM"))
    assert configs.by_id(live.id) == live

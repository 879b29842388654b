"""CreateAlias, UpdateAlias and DeleteFunction by Lambda's rules, in front of moto and without a network."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from local_aws import ACCOUNT, REGION
from moto.awslambda.models import lambda_backends
from moto.iam.models import iam_backends
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request, Response

from deployer.local.alias_api import AliasApi
from deployer.local.functions import FunctionName
from deployer.local.moto_aws import MotoAws

DIGITS = FunctionName(ACCOUNT, REGION, "digits")
SIGNED = f"AWS4-HMAC-SHA256 Credential=key/20260102/{REGION}/lambda/aws4_request, SignedHeaders=host, Signature=0"
HALF = {"AdditionalVersionWeights": {"2": 0.5}}
CLEARED: list[dict[str, Any]] = [{"AdditionalVersionWeights": {}}, {}]


class Api:
    """Aliases of one function with versions 1, 2 and, of another role, 3."""

    def __init__(self) -> None:
        self.aws = MotoAws()
        self._api = AliasApi(self.aws)
        for role in ("first", "other"):
            iam_backends[ACCOUNT]["aws"].create_role(role, "{}", "/", "", "", [], "3600")
        functions = lambda_backends[ACCOUNT][REGION]
        image = {"ImageUri": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/digits:v1"}
        spec = {"FunctionName": "digits", "Role": role_arn("first"), "PackageType": "Image", "Code": image}
        functions.create_function({**spec, "Publish": True})
        for change in ({"Timeout": 4}, {"Role": role_arn("other")}):
            functions.update_function_configuration("digits", "$LATEST", change)
            functions.publish_version("digits")

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Response:
        content = "" if body is None else json.dumps(body)
        answer = self._api.answer(request(method, path, content))
        assert answer is not None
        return answer

    def create(self, **settings: Any) -> Response:
        return self.ask("POST", "digits/aliases", {"Name": "live", "FunctionVersion": "1", **settings})

    def update(self, **settings: Any) -> Response:
        return self.ask("PUT", "digits/aliases/live", settings)

    def alias(self) -> tuple[str, Any]:
        """Version and RoutingConfig as GetAlias answers them."""
        answer = self.ask("GET", "digits/aliases/live")
        assert answer.status_code == 200
        found = json.loads(answer.get_data())
        return found["FunctionVersion"], found["RoutingConfig"]


def request(method: str, path: str, content: str = "", *, authorization: str = SIGNED) -> Request:
    place, headers = f"/2015-03-31/functions/{path}", Headers({"Authorization": authorization})
    return Request(EnvironBuilder(path=place, method=method, headers=headers, data=content).get_environ())


def role_arn(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def said(answer: Response) -> tuple[int, str, str]:
    return answer.status_code, answer.headers.get("x-amzn-ErrorType", ""), json.loads(answer.get_data())["message"]


@pytest.fixture
def api() -> Iterator[Api]:
    yield Api()
    for backend in (lambda_backends[ACCOUNT][REGION], iam_backends[ACCOUNT]["aws"]):
        backend.reset()


def test_weights_are_kept_from_the_alias_s_creation_on(api: Api) -> None:
    """CreateAlias answers 201 and what GetAlias says too."""
    created = api.create(RoutingConfig=HALF)
    assert (201, HALF) == (created.status_code, json.loads(created.get_data())["RoutingConfig"])
    assert ("1", HALF) == api.alias()


def test_an_update_that_does_not_name_the_weights_leaves_them(api: Api) -> None:
    """As of everything else that an update does not name."""
    api.create(RoutingConfig=HALF)
    assert api.update(Description="said").status_code == 200
    assert ("1", HALF) == api.alias()


@pytest.mark.parametrize("cleared", CLEARED, ids=str)
def test_empty_weights_clear_them(api: Api, cleared: Mapping[str, Any]) -> None:
    """Both ways to say it: as the AWS CLI does, and as terraform does."""
    api.create(RoutingConfig=HALF)
    assert api.update(FunctionVersion="2", RoutingConfig=cleared).status_code == 200
    assert (("2", None), {}) == (api.alias(), api.aws.aliases(DIGITS)["live"].weights)


@pytest.mark.parametrize(
    ("settings", "status", "kind", "message"),
    [
        ({"FunctionVersion": "9"}, 404, "ResourceNotFoundException", "function:digits:9"),
        ({"FunctionVersion": "live"}, 400, "ValidationException", "functionVersion"),
        ({"RoutingConfig": {"AdditionalVersionWeights": {"9": 0.1}}}, 404, "ResourceNotFoundException", "digits:9"),
        ({"RoutingConfig": {"AdditionalVersionWeights": {"$LATEST": 0.1}}}, 400, "ValidationException", r"\[0-9\]\+"),
        ({"RoutingConfig": {"AdditionalVersionWeights": {"2": 1.1}}}, 400, "ValidationException", "0.0 and 1.0"),
        ({"RoutingConfig": {"AdditionalVersionWeights": {"2": -0.1}}}, 400, "ValidationException", "0.0 and 1.0"),
        ({"RoutingConfig": {"AdditionalVersionWeights": {"2": "0.1"}}}, 400, "ValidationException", "0.0 and 1.0"),
        ({"RoutingConfig": {"AdditionalVersionWeights": {"2": True}}}, 400, "ValidationException", "0.0 and 1.0"),
        ({"RoutingConfig": []}, 400, "ValidationException", "AdditionalVersionWeights"),
        (
            {"RoutingConfig": {"AdditionalVersionWeights": {"2": 0.1, "3": 0.1}}},
            *(400, "InvalidParameterValueException", "greater than 1"),
        ),
        (
            {"RoutingConfig": {"AdditionalVersionWeights": {"1": 0.1}}},
            *(400, "InvalidParameterValueException", "version 1 is already included"),
        ),
        (
            {"RoutingConfig": {"AdditionalVersionWeights": {"3": 0.1}}},
            *(400, "InvalidParameterValueException", "same execution role"),
        ),
        (
            {"FunctionVersion": "$LATEST", "RoutingConfig": HALF},
            *(400, "InvalidParameterValueException", "not supported for an alias pointing to more than 1 version"),
        ),
    ],
    ids=str,
)
def test_what_lambda_refuses_is_refused(
    api: Api, settings: dict[str, Any], status: int, kind: str, message: str
) -> None:
    """On creation and on update alike, and nothing is made or changed by it."""
    refused = [api.create(**settings)]
    assert api.create().status_code == 201
    refused.append(api.update(**settings))
    for said_status, said_kind, text in map(said, refused):
        assert (status, kind) == (said_status, said_kind)
        assert re.search(message, text), text
    assert ("1", None) == api.alias()


def test_moving_an_alias_onto_its_weighted_version_needs_other_weights(api: Api) -> None:
    """A promotion that forgets to clear the weights is an error on Lambda, too."""
    api.create(RoutingConfig=HALF)
    assert said(api.update(FunctionVersion="2"))[:2] == (400, "InvalidParameterValueException")
    assert ("1", HALF) == api.alias()


def test_an_update_of_an_older_revision_is_refused(api: Api) -> None:
    """Each update makes a new RevisionId, and one that names another changes nothing."""
    first = json.loads(api.create().get_data())["RevisionId"]
    second = json.loads(api.update(Description="a", RevisionId=first).get_data())["RevisionId"]
    assert first != second
    assert said(api.update(FunctionVersion="2", RevisionId=first))[:2] == (412, "PreconditionFailedException")
    assert (200, ("2", None)) == (api.update(FunctionVersion="2", RevisionId=second).status_code, api.alias())


@pytest.mark.parametrize("name", ["12", "with space", ""])
def test_a_name_that_is_none_is_refused(api: Api, name: str) -> None:
    """A name of digits would hide a version."""
    assert said(api.create(Name=name))[:2] == (400, "ValidationException")


def test_an_unknown_function_or_alias_is_moto_s_to_say(api: Api) -> None:
    """404, as from Lambda."""
    assert api.update(FunctionVersion="1").status_code == 404
    assert api.ask("POST", "nobody/aliases", {"Name": "live", "FunctionVersion": "1"}).status_code == 404


def test_other_requests_are_not_answered(api: Api) -> None:
    """Neither other paths of Lambda nor other services."""
    of_another = SIGNED.replace("/lambda/", "/sns/")
    for asked in (request("GET", "digits/versions"), request("GET", "digits/aliases", authorization=of_another)):
        assert AliasApi(api.aws).answer(asked) is None

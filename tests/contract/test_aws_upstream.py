"""What is asked about a function that upstream bentoctl made, and done to it, on the local AWS's control plane."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from local_endpoint import KEYS, LocalEndpoint

from deployer.errors import DeployerError
from deployer.targets import Environment
from deployer.tools.aws import Aws
from deployer.tools.aws_upstream import UpstreamAws
from deployer.tools.upstream_state import UpstreamDeployment

REGION, ACCOUNT = "us-east-1", "123456789012"
ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:iris"
PATH = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions"
SOURCE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:orders"


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[LocalEndpoint]:
    local = LocalEndpoint(tmp_path)
    local.function("iris", Publish=False)
    yield local
    local.close()


def door(endpoint: LocalEndpoint, *, api: str = "", integration: str = "") -> UpstreamAws:
    variables = {
        "AWS_ENDPOINT_URL": endpoint.endpoint,
        "AWS_ACCESS_KEY_ID": KEYS.access_key_id,
        "AWS_SECRET_ACCESS_KEY": KEYS.secret_access_key,
    }
    there = UpstreamDeployment(
        Path(), REGION, ACCOUNT, function="iris", api=api, integration=integration, statement="AllowApi"
    )
    return Aws(Environment("aws", REGION), variables).upstream(there)


def api_of(endpoint: LocalEndpoint, *, deploys: bool = True) -> UpstreamAws:
    """With an HTTP API that asks the function itself."""
    apis = endpoint.aws("apigatewayv2")
    api = apis.create_api(Name="iris-gw", ProtocolType="HTTP")["ApiId"]
    apis.create_stage(ApiId=api, StageName="$default", AutoDeploy=deploys)
    asked = {"IntegrationType": "AWS_PROXY", "IntegrationUri": f"{PATH}/{ARN}/invocations"}
    integration = apis.create_integration(ApiId=api, PayloadFormatVersion="1.0", **asked)["IntegrationId"]
    return door(endpoint, api=api, integration=integration)


def test_whoever_asks_the_function_itself_is_named(endpoint: LocalEndpoint) -> None:
    """By event source, policy statement and URL; neither the API's own statement nor what asks an alias."""
    lambda_, upstream = endpoint.aws("lambda"), door(endpoint)
    assert () == upstream.asks_latest()
    lambda_.publish_version(FunctionName="iris")
    lambda_.create_alias(FunctionName="iris", Name="mine", FunctionVersion="1")
    allowed = {"FunctionName": "iris", "Action": "lambda:InvokeFunction"}
    lambda_.add_permission(**allowed, StatementId="AllowApi", Principal="apigateway.amazonaws.com")
    lambda_.add_permission(**allowed, StatementId="Nightly", Principal="events.amazonaws.com")
    lambda_.add_permission(**allowed, StatementId="OfAlias", Principal="s3.amazonaws.com", Qualifier="mine")
    lambda_.create_function_url_config(FunctionName="iris", AuthType="AWS_IAM")
    endpoint.aws("sqs").create_queue(QueueName="orders")
    for function in ("iris", f"{ARN}:mine"):
        lambda_.create_event_source_mapping(FunctionName=function, EventSourceArn=SOURCE)
    url = lambda_.get_function_url_config(FunctionName="iris")["FunctionUrl"]
    assert [
        f"event source {SOURCE}",
        "events.amazonaws.com by policy statement Nightly",
        f"Function URL {url}",
    ] == list(upstream.asks_latest())


def test_the_function_is_frozen_once(endpoint: LocalEndpoint) -> None:
    """What it becomes afterwards is not what the alias stands for; the API alone may ask that."""
    upstream, lambda_ = api_of(endpoint), endpoint.aws("lambda")
    assert "" == upstream.frozen()
    assert "1" == upstream.freeze()
    lambda_.update_function_configuration(FunctionName="iris", MemorySize=512)
    assert "1" == upstream.freeze() == upstream.frozen()
    policy = lambda_.get_policy(FunctionName="iris", Qualifier="bentoctl")["Policy"]
    assert 1 == policy.count('"Sid"')
    assert "apigateway.amazonaws.com" in policy
    assert ":execute-api:" in policy


def test_the_api_asks_what_it_is_pointed_to(endpoint: LocalEndpoint) -> None:
    """And says what it asked before."""
    upstream = api_of(endpoint)
    before = f"{PATH}/{ARN}/invocations"
    assert before == upstream.point("bentoctl")
    assert f"{PATH}/{ARN}:bentoctl/invocations" == upstream.point("bentoctl") == upstream.point("")
    assert before == upstream.point("")
    assert upstream.endpoint().startswith("http")


def test_an_api_whose_changes_somebody_deploys_by_hand_is_refused(endpoint: LocalEndpoint) -> None:
    """It would go on asking the function itself."""
    with pytest.raises(DeployerError, match=r"stage \$default of the HTTP API \w+ does not deploy its changes"):
        api_of(endpoint, deploys=False).endpoint()


def test_an_api_that_is_gone_has_no_address(endpoint: LocalEndpoint) -> None:
    """Nor has one that the state does not know."""
    assert ("", "") == (door(endpoint, api="gone0").endpoint(), door(endpoint).endpoint())


def test_the_function_becomes_deployers_by_its_tag(endpoint: LocalEndpoint) -> None:
    """Other tags stay."""
    lambda_ = endpoint.aws("lambda")
    lambda_.tag_resource(Resource=ARN, Tags={"team": "ml"})
    door(endpoint).tag()
    assert {"team": "ml", "deployer:name": "iris"} == lambda_.list_tags(Resource=ARN)["Tags"]

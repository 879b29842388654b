"""What happens in AWS when deployer takes over upstream bentoctl's function: its HTTP API asks `$LATEST`, which `up`
changes before it is tested, and so is pointed to what answers now.

No boto3 here: `client` gives the client of a service by its name. Every step may be repeated.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime, timedelta, timezone
from typing import Any

from deployer.errors import DeployerError
from deployer.tools.aws_adoption import there
from deployer.tools.aws_leftovers import OWNER_TAG, Clients
from deployer.tools.aws_partition import partition_of
from deployer.tools.aws_upstream_parts import UpstreamParts
from deployer.tools.upstream_state import ALIAS, UpstreamDeployment

STATEMENT = "AllowOldApi"
DAY = timedelta(hours=24)


class UpstreamAws:
    """The function and the API of one deployment. Every method raises DeployerError where AWS refuses or cannot be
    reached.
    """

    def __init__(
        self,
        client: Clients,
        deployment: UpstreamDeployment,
        explained: Callable[[str], AbstractContextManager[None]],
        *,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._client, self._there, self._explained, self._now = client, deployment, explained, now
        self._function = deployment.function

    @property
    def parts(self) -> UpstreamParts:
        """What it consists of."""
        return UpstreamParts(self._client, self._there, self._explained)

    def asks_latest(self) -> tuple[str, ...]:
        """Who asks the function itself beside the API, a line each: they get what `up` makes before it is tested."""
        with self._explained(f"Looking for what asks {self._function}"):
            return tuple(self._askers())

    def endpoint(self) -> str:
        """The API's address; empty where the API is gone.

        Raises DeployerError for one whose changes are not deployed by themselves: bentoctl's are.
        """
        apis, api = self._client("apigatewayv2"), self._there.api
        with self._explained(f"Looking up the HTTP API {api}"):
            found = there(lambda: apis.get_api(ApiId=api)) if api else None
            stages = apis.get_stages(ApiId=api)["Items"] if found else []
        by_hand = [stage["StageName"] for stage in stages if not stage.get("AutoDeploy")]
        if by_hand:
            raise DeployerError(
                f"The stage {', '.join(by_hand)} of the HTTP API {api} does not deploy its changes by itself.",
                hint="Turn on automatic deployment for it, as bentoctl's template does, and run the command again.",
            )
        return str(found["ApiEndpoint"]) if found else ""

    def frozen(self) -> str:
        """The version that the alias stands for; empty where there is none yet."""
        with self._explained(f"Looking up the alias {ALIAS} of {self._function}"):
            found = there(lambda: self._client("lambda").get_alias(FunctionName=self._function, Name=ALIAS))
        return str(found["FunctionVersion"]) if found else ""

    def freeze(self) -> str:
        """Publish the function as it is now, once, and let the API ask it under the alias; the version's number.

        A version of an image is made ready for some seconds, in which it does not answer.
        """
        lambda_, version = self._client("lambda"), self.frozen()
        with self._explained(f"Publishing {self._function} as it is"):
            named = {"FunctionName": self._function}
            if not version:
                version = lambda_.publish_version(**named, Description="What upstream bentoctl deployed.")["Version"]
                lambda_.create_alias(**named, Name=ALIAS, FunctionVersion=version)
            lambda_.get_waiter("published_version_active").wait(**named, Qualifier=version)
            if STATEMENT not in (statement["Sid"] for statement in self._statements(ALIAS)):
                lambda_.add_permission(
                    **named,
                    Qualifier=ALIAS,
                    StatementId=STATEMENT,
                    Action="lambda:InvokeFunction",
                    Principal="apigateway.amazonaws.com",
                    SourceArn=self._source,
                )
        return str(version)

    def point(self, qualifier: str) -> str:
        """Let the API ask that alias, `$LATEST` with none; the address that it asked before, to compare or restore."""
        asked = {"ApiId": self._there.api, "IntegrationId": self._there.integration}
        apis, wanted = self._client("apigatewayv2"), self._address(qualifier)
        with self._explained(f"Pointing the HTTP API {self._there.api} to {self._function}:{qualifier or '$LATEST'}"):
            before = str(apis.get_integration(**asked)["IntegrationUri"])
            if before != wanted:
                apis.update_integration(**asked, IntegrationUri=wanted)
        return before

    def tag(self) -> None:
        """From here on the function is the deployment's of its name, which `deployer up` takes over."""
        with self._explained(f"Tagging {self._function}"):
            tags = {OWNER_TAG: self._function}
            self._client("lambda").tag_resource(Resource=self._there.function_arn, Tags=tags)

    def requests(self, *, since: datetime) -> int:
        """How often the alias was asked since then, within a day. CloudWatch learns of it a minute or more late."""
        now = self._now()
        begin, end = max(since, now - DAY), now + timedelta(minutes=1)
        if begin >= end:
            return 0
        dimensions = {"FunctionName": self._function, "Resource": f"{self._function}:{ALIAS}"}
        metric = {
            "Namespace": "AWS/Lambda",
            "MetricName": "Invocations",
            "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
        }
        query = {"Id": "requests", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}
        asked = {"MetricDataQueries": [query], "StartTime": begin, "EndTime": end}
        pages = self._client("cloudwatch").get_paginator("get_metric_data")
        with self._explained(f"Reading the metrics of {self._function}"):
            found = [result for page in pages.paginate(**asked) for result in page["MetricDataResults"]]
        counted: list[float] = [value for result in found for value in result["Values"]]
        return round(sum(counted))

    def _askers(self) -> Iterator[str]:
        lambda_, function = self._client("lambda"), self._function
        pages = lambda_.get_paginator("list_event_source_mappings").paginate(FunctionName=function)
        for mapping in (mapping for page in pages for mapping in page["EventSourceMappings"]):
            if mapping["FunctionArn"] == self._there.function_arn:
                yield f"event source {mapping.get('EventSourceArn', mapping['UUID'])}"
        for statement in self._statements():
            if statement["Sid"] != self._there.statement:
                yield f"{_principal(statement)} by policy statement {statement['Sid']}"
        url = there(lambda: lambda_.get_function_url_config(FunctionName=function))
        if url:
            yield f"Function URL {url['FunctionUrl']}"

    def _statements(self, qualifier: str = "") -> list[dict[str, Any]]:
        qualified = {"Qualifier": qualifier} if qualifier else {}
        policy = there(lambda: self._client("lambda").get_policy(FunctionName=self._function, **qualified))
        return list(json.loads(policy["Policy"])["Statement"]) if policy else []

    @property
    def _source(self) -> str:
        there = self._there
        return f"arn:{partition_of(there.region).name}:execute-api:{there.region}:{there.account}:{there.api}/*/*"

    def _address(self, qualifier: str) -> str:
        """As API Gateway wants a function's address."""
        arn = f"{self._there.function_arn}{f':{qualifier}' if qualifier else ''}"
        region = self._there.region
        return f"arn:{partition_of(region).name}:apigateway:{region}:lambda:path/2015-03-31/functions/{arn}/invocations"


def _principal(statement: Any) -> str:
    principal = statement["Principal"]
    return str(principal if isinstance(principal, str) else next(iter(principal.values()), principal))

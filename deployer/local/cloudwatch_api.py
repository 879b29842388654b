"""The part of CloudWatch that moto leaves open: GetMetricData for Lambda's own metrics. Everything else is moto's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from werkzeug.wrappers import Request, Response

from deployer.local.api_requests import passed_on, region_of
from deployer.local.cloudwatch_protocols import Malformed, Protocol, answered, parsed, protocol_of, refused
from deployer.local.lambda_metrics import NAMESPACE
from deployer.local.metric_data import InvalidQuery, metric_data
from deployer.local.metrics import Metrics
from deployer.local.server import Wsgi

NO_CBOR = "The local AWS answers GetMetricData in the protocols AWS JSON 1.0 and AWS query, not in Smithy RPC v2 CBOR."


class CloudWatchApi:
    """Answers CloudWatch requests of every region; `answer` returns None for those to other services."""

    def __init__(self, metrics: Metrics, moto: Wsgi) -> None:
        self._metrics, self._moto = metrics, moto

    def answer(self, request: Request) -> Response | None:
        region = region_of(request, service="monitoring")
        if not region:
            return None
        protocol = protocol_of(request)
        if protocol is None:
            return passed_on(self._moto, request)
        if protocol is Protocol.CBOR:
            return refused(protocol, NO_CBOR, code="UnsupportedProtocol")
        try:
            asked = parsed(request, protocol)
            if not _is_ours(asked):
                return passed_on(self._moto, request)
            return answered(protocol, metric_data(asked, self._metrics, region=region))
        except (InvalidQuery, Malformed) as wrong:
            return refused(protocol, str(wrong))


def _is_ours(asked: Mapping[str, Any]) -> bool:
    """Whether it asks for Lambda's metrics. Raises InvalidQuery where it asks for others too."""
    namespaces = {_namespace(query) for query in asked.get("MetricDataQueries") or ()} - {""}
    if NAMESPACE in namespaces and len(namespaces) > 1:
        raise InvalidQuery(f"The local AWS answers queries of {NAMESPACE} and of other namespaces in requests apart.")
    return namespaces == {NAMESPACE}


def _namespace(query: Mapping[str, Any]) -> str:
    return str(((query.get("MetricStat") or {}).get("Metric") or {}).get("Namespace", ""))

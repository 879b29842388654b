"""The HTTP APIs of API Gateway in moto, of every region. No Lambda here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.apigatewayv2.models import apigatewayv2_backends
from moto.core.models import DEFAULT_ACCOUNT_ID

from deployer.local.http_api import HttpApi, Integration, Route

OF_A_STAGE = {  # what UpdateStage may change, and moto's name for it
    "accessLogSettings": "access_log_settings",
    "autoDeploy": "auto_deploy",
    "defaultRouteSettings": "default_route_settings",
    "description": "description",
    "routeSettings": "route_settings",
    "stageVariables": "stage_variables",
}


def find(api_id: str) -> HttpApi | None:
    for region, backend in list(apigatewayv2_backends[DEFAULT_ACCOUNT_ID].items()):
        api = backend.apis.get(api_id)
        if api is not None and api.protocol_type == "HTTP":
            return _described(api, region)
    return None


def update_stage(api_id: str, stage: str, asked: Mapping[str, Any], *, region: str) -> Mapping[str, Any] | None:
    """UpdateStage, which moto does not know: the stage as it is then, None where there is none."""
    api = apigatewayv2_backends[DEFAULT_ACCOUNT_ID][region].apis.get(api_id)
    found = api.stages.get(stage) if api is not None else None
    if found is None:
        return None
    for name, attribute in OF_A_STAGE.items():
        if name in asked:
            setattr(found, attribute, asked[name])
    described: Mapping[str, Any] = found.to_json()
    return described


def stage_tags(api_id: str, stage: str, *, region: str) -> dict[str, str] | None:
    """The tags themselves, to be changed in place; None where there is no such stage."""
    api = apigatewayv2_backends[DEFAULT_ACCOUNT_ID][region].apis.get(api_id)
    found = api.stages.get(stage) if api is not None else None
    if found is None:
        return None
    found.tags = found.tags or {}
    tags: dict[str, str] = found.tags
    return tags


def _described(api: Any, region: str) -> HttpApi:
    integrations = {f"integrations/{one.id}": _integration(one) for one in list(api.integrations.values())}
    return HttpApi(
        id=api.api_id,
        account=DEFAULT_ACCOUNT_ID,
        region=region,
        stages={name: stage.stage_variables or {} for name, stage in list(api.stages.items())},
        routes=[
            Route(one.route_key, one.authorization_type or "NONE", integrations.get(one.target or ""))
            for one in list(api.routes.values())
        ],
        cors=api.cors_configuration or {},
    )


def _integration(kept: Any) -> Integration:
    payload = kept.payload_format_version or "1.0"  # as API Gateway takes it where none is named
    return Integration.of(kept.integration_uri or "", seconds=int(kept.timeout_in_millis) / 1000, payload=payload)

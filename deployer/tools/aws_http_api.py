"""The HTTP API of a deployment. No boto3 here: `apis` is its client for API Gateway v2."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deployer.tools.aws_leftovers import OWNER_TAG

DEFAULT_STAGE = "$default"  # and the route for whatever no other route is for
PREFLIGHT = ("OPTIONS /", "OPTIONS /{proxy+}")


def http_api(apis: Any, name: str) -> dict[str, Any] | None:
    """The API that deployer made for the deployment: by name and tag, since many APIs may have one name."""
    found = (api for page in apis.get_paginator("get_apis").paginate() for api in page["Items"])
    return next((api for api in found if api["Name"] == name and api.get("Tags", {}).get(OWNER_TAG) == name), None)


def endpoint(apis: Any, name: str, *, stage: str) -> str:
    """The base URL of its stage, with one slash at its end; empty where there is no such API."""
    api = http_api(apis, name)
    if api is None:
        return ""
    return f"{api['ApiEndpoint'].rstrip('/')}/" + ("" if stage == DEFAULT_STAGE else f"{stage}/")


def parts(apis: Any, api: str) -> Iterator[tuple[str, str]]:
    """What belongs to the API with that ID, as the template calls it, with terraform's import id."""
    for item in apis.get_integrations(ApiId=api)["Items"][:1]:
        yield "integration.live[0]", f"{api}/{item['IntegrationId']}"
    for item in apis.get_stages(ApiId=api)["Items"][:1]:
        yield "stage.live[0]", f"{api}/{item['StageName']}"
    for item in apis.get_routes(ApiId=api)["Items"]:
        key = item["RouteKey"]
        name = "route.live[0]" if key == DEFAULT_STAGE else f'route.preflight["{key}"]'
        yield name, f"{api}/{item['RouteId']}"

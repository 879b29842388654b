"""Our parts of the control plane, in the order in which they are asked. moto answers what none of them does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from deployer.local.alias_api import AliasApi
from deployer.local.cloudwatch_api import CloudWatchApi
from deployer.local.concurrency_api import ConcurrencyApi
from deployer.local.data_plane import DataPlane
from deployer.local.ecr_api import EcrApi
from deployer.local.endpoints import Part
from deployer.local.event_invoke_api import EventInvokeApi
from deployer.local.gateway_api import GatewayApi
from deployer.local.invoke_api import InvokeApi
from deployer.local.lambda_api import LambdaApi
from deployer.local.metrics import Metrics
from deployer.local.moto_aws import MotoAws
from deployer.local.policy_api import PolicyApi
from deployer.local.publishing import Publishing
from deployer.local.tag_api import TagApi
from deployer.local.url_api import UrlApi
from deployer.local.url_configs import UrlConfigs
from deployer.local.version_api import VersionApi


def control_parts(
    aws: MotoAws,
    data_plane: DataPlane,
    urls: UrlConfigs,
    invoke: InvokeApi,
    metrics: Metrics,
    *,
    gateway: str,
    labels: Callable[[str], Mapping[str, str]],
    on_image: Callable[[str], None] = lambda digest: None,
) -> Sequence[Part]:
    """`gateway` is where URLs point; `labels` are an image's, by its digest.

    `on_image` hears the digest of each image that a function is given.
    """
    publishing = Publishing(aws, labels)
    return (
        AliasApi(aws, on_delete=urls.delete_alias).answer,
        VersionApi(aws, publishing).answer,
        PolicyApi(aws).answer,
        ConcurrencyApi(aws).answer,
        EventInvokeApi(aws).answer,
        TagApi(aws).answer,
        EcrApi(aws).answer,
        GatewayApi(aws, gateway=gateway).answer,
        UrlApi(aws, urls, gateway=gateway).answer,
        LambdaApi(aws, data_plane, publishing, invoke, on_delete=urls.delete_function, on_image=on_image).answer,
        CloudWatchApi(metrics, aws.application).answer,
    )

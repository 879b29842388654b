"""Our signature against botocore's own, which is what AWS's tools send."""

from __future__ import annotations

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as Botocores

from deployer.runtime.signature import Credentials, Scope, signed

JSON = {"Content-Type": "application/x-amz-json-1.1"}
KEYS = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
TEMPORARY = Credentials("ASIAEXAMPLE", "abc/def+ghi", "IQoJb3JpZ2lu//////////wEaCXVzLWVhc3QtMSJ=")


@pytest.mark.parametrize("credentials", [KEYS, TEMPORARY], ids=["keys", "temporary"])
@pytest.mark.parametrize("service", ["ssm", "secretsmanager"])
@pytest.mark.parametrize(
    ("url", "region"),
    [
        ("https://ssm.eu-west-1.amazonaws.com/", "eu-west-1"),
        ("https://ssm.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("http://127.0.0.1:4566", "us-east-1"),
        ("http://127.0.0.1:80/", "us-east-1"),
        ("https://vpce-1.ssm.eu-west-1.vpce.amazonaws.com:443/a b/%20c/~d", "eu-west-1"),
    ],
)
@pytest.mark.parametrize("body", [b"{}", '{"Names":["/grüße/数字"]}'.encode()], ids=["empty", "unicode"])
def test_a_request_is_signed_as_botocore_signs_it(
    url: str, region: str, body: bytes, service: str, credentials: Credentials
) -> None:
    """Every header of the signature is equal, whatever the service, the address and the kind of keys."""
    headers = {**JSON, "X-Amz-Target": "AmazonSSM.GetParameters", "X-Spaces": "  two   words "}
    request = AWSRequest(method="POST", url=url, headers=headers, data=body)
    SigV4Auth(Botocores(*credentials[:2], credentials.token or None), service, region).add_auth(request)
    expected = dict(request.headers.items())

    ours = signed(
        url, headers, body, credentials=credentials, scope=Scope(service, region, time=expected["X-Amz-Date"])
    )

    assert expected == {name: value for name, value in ours.items() if name != "Host"}
    assert ours["Host"] == url.split("/")[2].removesuffix(":443").removesuffix(":80")


def test_credentials_do_not_show_their_secret() -> None:
    """Wherever they are printed."""
    shown = f"{TEMPORARY} {TEMPORARY!r}"
    assert "ASIAEXAMPLE" in shown
    assert TEMPORARY.secret_access_key not in shown
    assert TEMPORARY.token not in shown

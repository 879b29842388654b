"""What the user is told when AWS refuses or cannot be reached."""

from __future__ import annotations

import pytest
from botocore import exceptions as botocore

from deployer.errors import DeployerError
from deployer.tools.aws_errors import explained


def refusal(code: str, message: str = "said AWS") -> botocore.ClientError:
    return botocore.ClientError({"Error": {"Code": code, "Message": message}}, "GetFunction")


@pytest.mark.parametrize(
    ("error", "message", "hint"),
    [
        (refusal("ExpiredToken"), "Asking: the AWS credentials have expired.", "Log in again"),
        (
            refusal("InvalidClientTokenId"),
            "Asking: AWS does not know these credentials, or not any more (InvalidClientTokenId: said AWS).",
            "Log in again. Then run the same command again: it continues where this one stopped.",
        ),
        (
            refusal("UnrecognizedClientException"),
            "Asking: AWS does not know these credentials, or not any more (UnrecognizedClientException: said AWS).",
            "Log in again. Then run the same command again",
        ),
        (
            refusal("SignatureDoesNotMatch"),
            "Asking: AWS does not accept these credentials (SignatureDoesNotMatch",
            "AWS_PROFILE",
        ),
        *(
            (
                refusal(code),
                "Asking: the AWS credentials have expired.",
                "Log in again. Then run the same command again: it continues where this one stopped.",
            )
            for code in ("ExpiredTokenException", "RequestExpired")
        ),
        (
            refusal("AccessDeniedException", "not authorized to perform: x:Y"),
            "Asking: access denied. not authorized",
            "Allow",
        ),
        (refusal("ThrottlingException"), "Asking: AWS answered ThrottlingException: said AWS", "again"),
        (botocore.NoCredentialsError(), "Asking: Unable to locate credentials.", "--target local"),
        (
            botocore.ProfileNotFound(profile="work"),
            "Asking: The config profile (work) could not be found.",
            "AWS_PROFILE",
        ),
        (botocore.UnauthorizedSSOTokenError(), "Asking: The SSO session", "Log in again"),
        (
            botocore.EndpointConnectionError(endpoint_url="http://e"),
            "Asking: AWS gave no answer. ",
            "AWS_ENDPOINT_URL (http://e)",
        ),
        (
            botocore.ReadTimeoutError(endpoint_url="http://e"),
            "Asking: AWS gave no answer. ",
            "AWS_ENDPOINT_URL (http://e)",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_each_kind_of_failure_says_what_to_do(error: Exception, message: str, hint: str) -> None:
    """The message begins with what was being done; the hint fits the reason."""
    with pytest.raises(DeployerError) as caught, explained("Asking", endpoint="http://e"):
        raise error
    assert message == caught.value.message[: len(message)]
    assert hint in caught.value.hint


def test_without_an_endpoint_of_its_own_an_unreachable_aws_is_about_the_network() -> None:
    """AWS itself has no AWS_ENDPOINT_URL to check."""
    with pytest.raises(DeployerError) as caught, explained("Asking"):
        raise botocore.EndpointConnectionError(endpoint_url="https://lambda.us-east-1.amazonaws.com")
    assert "Check the network and the region." == caught.value.hint


def test_how_to_get_new_credentials_is_said_where_it_is_known() -> None:
    """It depends on where they come from, which the target knows."""
    with pytest.raises(DeployerError) as caught, explained("Asking", log_in="Run `aws sso login` first."):
        raise refusal("ExpiredTokenException")
    expected = "Run `aws sso login` first. Then run the same command again: it continues where this one stopped."
    assert expected == caught.value.hint

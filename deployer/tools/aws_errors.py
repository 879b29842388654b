"""What AWS's failures mean to the user: botocore's exceptions become one DeployerError with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore import exceptions as botocore

from deployer.errors import DeployerError

_UNKNOWN_KEY = frozenset({"InvalidClientTokenId", "UnrecognizedClientException"})  # some expired tokens too
_NOT_ACCEPTED = frozenset(
    {"SignatureDoesNotMatch", "InvalidSignatureException"}
    | {"AuthFailure", "IncompleteSignature", "MissingAuthenticationToken"}
)
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"})

NO_CREDENTIALS = (
    "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in (`aws sso login`); "
    "`--target local` needs no AWS account."
)
_LOG_IN = "Log in again."
_CONTINUES = "Then run the same command again: it continues where this one stopped."


@contextmanager
def explained(doing: str, *, endpoint: str | None = None, log_in: str = "") -> Iterator[None]:
    """Turn a failure of botocore inside the block into a DeployerError that begins with what was being done.

    `log_in` says in a sentence how the user gets new credentials.
    """
    new_ones = f"{log_in or _LOG_IN} {_CONTINUES}"
    try:
        yield
    except botocore.ClientError as error:
        raise _refused(doing, error, new_ones) from error
    except (
        botocore.NoCredentialsError,
        botocore.PartialCredentialsError,
        botocore.ProfileNotFound,
        botocore.CredentialRetrievalError,
    ) as error:
        raise DeployerError(f"{doing}: {_text(error)}", hint=NO_CREDENTIALS) from error
    except (botocore.SSOError, botocore.UnauthorizedSSOTokenError, botocore.TokenRetrievalError) as error:
        raise DeployerError(f"{doing}: {_text(error)}", hint=new_ones) from error
    except (botocore.HTTPClientError, botocore.ConnectionError) as error:
        raise DeployerError(f"{doing}: AWS gave no answer. {_text(error)}", hint=_unreachable(endpoint)) from error
    except botocore.BotoCoreError as error:
        raise DeployerError(f"{doing}: {_text(error)}", hint="Check the AWS settings of this shell.") from error


def code(error: Exception) -> str:
    """The code of AWS's answer, such as `ResourceNotFoundException`; empty for a failure of another kind."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, botocore.ClientError) else ""


def is_denied(error: Exception) -> bool:
    return code(error) in _DENIED


def _refused(doing: str, error: botocore.ClientError, new_ones: str) -> DeployerError:
    said = str(error.response.get("Error", {}).get("Message") or error).strip()
    why = code(error)
    if why in _EXPIRED:
        return DeployerError(f"{doing}: the AWS credentials have expired.", hint=new_ones)
    if why in _UNKNOWN_KEY:
        problem = f"{doing}: AWS does not know these credentials, or not any more ({why}: {said})."
        return DeployerError(problem, hint=new_ones)
    if why in _NOT_ACCEPTED:
        return DeployerError(f"{doing}: AWS does not accept these credentials ({why}: {said}).", hint=NO_CREDENTIALS)
    if is_denied(error):
        return DeployerError(
            f"{doing}: access denied. {said}", hint="Allow that action to these credentials, or use others."
        )
    return DeployerError(f"{doing}: AWS answered {why or 'with an error'}: {said}", hint="Run the command again later.")


def _unreachable(endpoint: str | None) -> str:
    if endpoint is None:
        return "Check the network and the region."
    return f"Check AWS_ENDPOINT_URL ({endpoint}); on the local target `deployer local status` says whether it runs."


def _text(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if text.endswith(".") else f"{text}."

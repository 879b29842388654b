"""Who may talk to the daemon: nobody under another name, and on the control plane only who holds its key."""

from __future__ import annotations

from hmac import compare_digest
from urllib.parse import unquote

from werkzeug.wrappers import Request, Response

from deployer.local.server import error
from deployer.local.signature import Keys, access_key_of

HOSTS = ("127.0.0.1", "localhost")


def refuse_other_names(request: Request) -> Response | None:
    """A browser that was led here by a DNS name of somebody else's sends that name as the host."""
    name = request.headers.get("Host", "").rpartition(":")[0] or request.headers.get("Host", "")
    if name in HOSTS:
        return None
    return error(403, "This address is for this machine only: ask for 127.0.0.1.", kind="AccessDeniedException")


def refuse_strangers(request: Request, keys: Keys) -> Response | None:
    """Another user of this machine, or a web page, does not know the access key id. Signatures are not computed."""
    if "Origin" in request.headers:
        return error(403, "The local AWS is not for web pages.", kind="AccessDeniedException")
    if compare_digest(_named_key(request).encode(), keys.access_key_id.encode()):
        return None
    message = "The security token included in the request is invalid: use the keys of the local AWS."
    return error(403, message, kind="UnrecognizedClientException")


def _named_key(request: Request) -> str:
    authorization = request.headers.get("Authorization", "")
    presigned = request.args.get("X-Amz-Credential", "") or request.args.get("AWSAccessKeyId", "")
    return access_key_of(authorization) or unquote(presigned).partition("/")[0]

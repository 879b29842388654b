"""Calls of AWS with the function's own credentials: signed, posted, throttling waited out. What secrets need, no more.

What Lambda sets is read, and what boto3 heeds: endpoints (`AWS_ENDPOINT_URL`), proxies, AWS_CA_BUNDLE.
"""

from __future__ import annotations

import json
import os
import random
import ssl
import time
from collections.abc import Callable, Mapping
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import (
    BaseHandler,
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    UnknownHandler,
)

from .signature import Credentials, Scope, signed

SECONDS = 4.0  # for one answer: Lambda gives an init ten
WAITS = (0.2, 0.4, 0.8, 1.6)  # seconds before another try; each is shortened by chance, so that many do not meet again
THROTTLED = ("throttl", "toomanyrequests", "requestlimitexceeded")
TARGETS = {"ssm": "AmazonSSM", "secretsmanager": "secretsmanager"}  # what the names of their operations begin with
OWN_ENDPOINTS = {"ssm": "AWS_ENDPOINT_URL_SSM", "secretsmanager": "AWS_ENDPOINT_URL_SECRETS_MANAGER"}


class Refused(Exception):
    """AWS answered with an error: `code` such as `AccessDeniedException`. It quotes nothing but that error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code


class Unreachable(Exception):
    """Nothing answered there, or not AWS."""


class AwsCalls:
    """`environment` are the process's variables; `wait` sleeps so many seconds."""

    def __init__(self, environment: Mapping[str, str], *, wait: Callable[[float], Any] = time.sleep) -> None:
        self._environment = environment
        self._wait = wait
        self._openers: dict[str, OpenerDirector] = {}  # by scheme: certificates are 60 ms of CPU to load
        self._credentials: Credentials | None = None

    def call(self, service: str, operation: str, request: Mapping[str, Any], *, region: str = "") -> dict[str, Any]:
        """The answer of one operation. `region` is the function's own where it is empty.

        Raises Refused, after WAITS where AWS was asked too often, and Unreachable.
        """
        for seconds in WAITS:
            try:
                return self._once(service, operation, request, region)
            except Refused as refused:
                if not refused.code.lower().startswith(THROTTLED):
                    raise
            self._wait(seconds * random.uniform(0.5, 1.0))  # noqa: S311  not for cryptography
        return self._once(service, operation, request, region)

    def _once(self, service: str, operation: str, request: Mapping[str, Any], region: str) -> dict[str, Any]:
        region = region or self._environment.get("AWS_REGION") or self._environment.get("AWS_DEFAULT_REGION", "")
        url, body = endpoint(service, region, self._environment), json.dumps(request).encode()
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"{TARGETS[service]}.{operation}"}
        scope = Scope(service, region, time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()))
        headers = signed(url, headers, body, credentials=self._own(), scope=scope)
        return _answer(self._opener(url), Request(url, data=body, headers=headers, method="POST"))  # noqa: S310

    def _opener(self, url: str) -> OpenerDirector:
        scheme = url.partition(":")[0]
        if scheme not in self._openers:
            secure = [HTTPSHandler(context=_trust(self._environment))] if scheme == "https" else []
            self._openers[scheme] = _opener(ProxyHandler(), *secure)
        return self._openers[scheme]

    def _own(self) -> Credentials:
        if self._credentials is None:
            self._credentials = credentials_of(self._environment)
        return self._credentials


def endpoint(service: str, region: str, environment: Mapping[str, str]) -> str:
    """Where a service answers: `AWS_ENDPOINT_URL_SSM`, `AWS_ENDPOINT_URL` or the region's own."""
    named = environment.get(OWN_ENDPOINTS[service]) or environment.get("AWS_ENDPOINT_URL")
    if named:
        return named
    if not region:
        raise Unreachable("AWS_REGION is not set")
    return f"https://{service}.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}/"


def credentials_of(environment: Mapping[str, str]) -> Credentials:
    """The function's: variables, or with SnapStart the address that Lambda gives instead. Raises Unreachable."""
    key, secret = environment.get("AWS_ACCESS_KEY_ID"), environment.get("AWS_SECRET_ACCESS_KEY")
    if key and secret:
        return Credentials(key, secret, environment.get("AWS_SESSION_TOKEN", ""))
    address = environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI")
    if not address:
        raise Unreachable("the process has no credentials: AWS_ACCESS_KEY_ID is not set")
    headers = {"Authorization": environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN", "")}
    found = _answer(_opener(), Request(address, headers=headers))  # noqa: S310  given by Lambda
    try:
        return Credentials(found["AccessKeyId"], found["SecretAccessKey"], found["Token"])
    except KeyError as error:
        raise Unreachable(f"the credentials that Lambda gives lack {error}") from None


def _opener(*handlers: BaseHandler) -> OpenerDirector:
    """Follows no redirect: no other address gets what is signed for this one."""
    opener = OpenerDirector()
    for handler in (HTTPHandler(), HTTPDefaultErrorHandler(), HTTPErrorProcessor(), UnknownHandler(), *handlers):
        opener.add_handler(handler)
    return opener


def _answer(opener: OpenerDirector, request: Request) -> dict[str, Any]:
    try:
        with opener.open(request, timeout=SECONDS) as response:
            content = response.read()
    except HTTPError as error:
        with error:
            raise _refused(error) from None
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise Unreachable(f"{request.host} cannot be reached: {type(error).__name__}: {reason}") from None
    found = _object(content)
    if found is None:
        raise Unreachable(f"{request.host} answers, but not as AWS does")
    return found


def _refused(error: HTTPError) -> Exception:
    try:
        found = _object(error.read())
    except (OSError, HTTPException):
        found = None
    code = str((found or {}).get("__type") or error.headers.get("x-amzn-ErrorType") or "")
    if not code:
        return Unreachable(f"{error.url} answers {error.code}, and not as AWS does")
    code = code.rpartition("#")[2].partition(":")[0]
    return Refused(code, str((found or {}).get("message") or (found or {}).get("Message") or ""))


def _object(content: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(content)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _trust(environment: Mapping[str, str]) -> ssl.SSLContext:
    """The system's certificates; where a base image has none, those of certifi. Raises Unreachable."""
    bundle = environment.get("AWS_CA_BUNDLE")
    if bundle:
        try:
            return ssl.create_default_context(cafile=bundle)
        except OSError as error:
            raise Unreachable(f"AWS_CA_BUNDLE is {bundle}: {error.strerror or error}") from None
    paths = ssl.get_default_verify_paths()
    if paths.cafile or (paths.capath and os.listdir(paths.capath)):  # noqa: PTH208  pathlib is an import more
        return ssl.create_default_context()
    try:
        import certifi
    except ImportError:
        return ssl.create_default_context()
    return ssl.create_default_context(cafile=certifi.where())

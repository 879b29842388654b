"""Secrets by reference: DEPLOYER_SECRETS says what each variable is to hold, AWS has it, this process alone gets it.

`ssm:/digits/password` is a parameter of SSM, decrypted; `secretsmanager:digits/api` a secret by its name or ARN, and
with `#key` one member of its JSON object. No value is part of a message: references are said, and AWS's errors.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from typing import Any, NamedTuple, Protocol

from . import logs
from .aws_calls import AwsCalls, Refused, Unreachable

VARIABLE = "DEPLOYER_SECRETS"
PARAMETERS_AT_ONCE = 10  # of GetParameters: SSM's API reference
SECRET = "secretsmanager"  # noqa: S105  the service

Conceal = Callable[[Iterable[str]], object]

logger = logging.getLogger("deployer")


class SecretsUnavailable(Exception):
    """What the service is to have cannot be had. Names variables and references."""


class Calls(Protocol):
    """`aws_calls.AwsCalls`, or what a test has in its place."""

    def call(self, service: str, operation: str, request: Mapping[str, Any], *, region: str = "") -> dict[str, Any]: ...


class Reference(NamedTuple):
    """`service` is `ssm` or `secretsmanager`; `key` is empty for the whole text."""

    service: str
    name: str
    key: str = ""

    @classmethod
    def parse(cls, text: str) -> Reference:
        service, _, rest = text.partition(":")
        name, _, key = rest.partition("#") if service == SECRET else (rest, "", "")
        return cls(service, name, key)

    def __str__(self) -> str:
        return f"{self.service}:{self.name}{f'#{self.key}' if self.key else ''}"


def resolve(
    environment: MutableMapping[str, str], *, calls: Calls | None = None, conceal: Conceal = logs.conceal
) -> None:
    """Put every secret that DEPLOYER_SECRETS names into `environment`: all of them, or none.

    Raises SecretsUnavailable with each that is missing, denied or unfit. `calls` are made with the variables of
    `environment` where none are given; `conceal` gets the values, for nothing to show them.
    """
    references = references_of(environment)
    if not references:
        return
    try:
        found = _Texts(calls or AwsCalls(environment))
        found.read(references.values())
    except Unreachable as error:
        raise SecretsUnavailable(f"{_listed(references)}: {error}") from None
    values, reasons = _values(references, found)
    conceal(values.values())
    if reasons:
        raise SecretsUnavailable("; ".join(reasons))
    environment.update(values)


def renew(
    environment: MutableMapping[str, str], *, calls: Calls | None = None, conceal: Conceal = logs.conceal
) -> None:
    """After a restore: what the secrets are now. A snapshot may be weeks old; where that fails, its values stay."""
    try:
        resolve(environment, calls=calls, conceal=conceal)
    except SecretsUnavailable as error:
        logger.warning("the secrets are those of the snapshot, since they could not be read again: %s", error)


def references_of(environment: Mapping[str, str]) -> dict[str, Reference]:
    """By the variable's name. Raises SecretsUnavailable for what deployer would not have written."""
    text = environment.get(VARIABLE, "")
    try:
        found = json.loads(text) if text else {}
        references = {name: Reference.parse(reference) for name, reference in found.items()}
    except (ValueError, AttributeError):
        raise SecretsUnavailable(f"{VARIABLE} is no JSON object of references") from None
    unknown = [str(reference) for reference in references.values() if reference.service not in ("ssm", SECRET)]
    if unknown:
        raise SecretsUnavailable(f"{VARIABLE} has a reference of no known kind: {', '.join(unknown)}")
    return references


class _Texts:
    """What AWS has for references, their keys left out; `refused` says why it gives none."""

    def __init__(self, calls: Calls) -> None:
        self.texts: dict[Reference, str] = {}
        self.refused: dict[Reference, str] = {}
        self._calls = calls

    def read(self, references: Iterable[Reference]) -> None:
        """Each parameter and secret once, however many variables want it. Raises Unreachable."""
        wanted = list(dict.fromkeys(reference._replace(key="") for reference in references))
        parameters = [reference for reference in wanted if reference.service == "ssm"]
        for start in range(0, len(parameters), PARAMETERS_AT_ONCE):
            self._parameters(parameters[start : start + PARAMETERS_AT_ONCE])
        for reference in wanted:
            if reference.service == SECRET:
                self._secret(reference)

    def _parameters(self, wanted: list[Reference]) -> None:
        request = {"Names": [reference.name for reference in wanted], "WithDecryption": True}
        try:
            answer = self._calls.call("ssm", "GetParameters", request)
        except Refused as refused:
            if len(wanted) == 1:
                self.refused[wanted[0]] = str(refused)
                return
            for reference in wanted:  # one that is denied has all of them refused
                self._parameters([reference])
            return
        texts = {str(one.get("Name")): one.get("Value") for one in answer.get("Parameters") or ()}
        for reference in wanted:
            self._keep(reference, texts.get(reference.name), "ParameterNotFound: there is none of that name")

    def _secret(self, wanted: Reference) -> None:
        try:
            answer = self._calls.call(SECRET, "GetSecretValue", {"SecretId": wanted.name}, region=_region(wanted.name))
        except Refused as refused:
            self.refused[wanted] = str(refused)
            return
        self._keep(wanted, answer.get("SecretString"), "it is binary, and a variable is text")

    def _keep(self, reference: Reference, text: Any, otherwise: str) -> None:
        if isinstance(text, str):
            self.texts[reference] = text
        else:
            self.refused[reference] = otherwise


def _values(references: Mapping[str, Reference], found: _Texts) -> tuple[dict[str, str], list[str]]:
    """Values by the variable's name, and for those that cannot be had the reasons."""
    values: dict[str, str] = {}
    reasons = []
    for name, reference in references.items():
        whole = reference._replace(key="")
        text = found.texts.get(whole)
        if text is None:
            reasons.append(f"{name} ({reference}): {found.refused[whole]}")
            continue
        value = _member(text, reference.key) if reference.key else text
        if value is None:
            reasons.append(f"{name} ({reference}): the secret is no JSON object with that key")
        elif not _fits(value):
            reasons.append(f"{name} ({reference}): it has characters that no environment variable can hold")
        else:
            values[name] = value
    return values, reasons


def _member(text: str, key: str) -> str | None:
    """A member that is no string as JSON; None where there is none. JSON's own error, which has the text, ends here."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    value = found.get(key) if isinstance(found, dict) else None
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _fits(value: str) -> bool:
    try:
        value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return "\0" not in value


def _region(name: str) -> str:
    """That of an ARN; empty for a name."""
    parts = name.split(":")
    return parts[3] if name.startswith("arn:") and len(parts) > 4 else ""


def _listed(references: Mapping[str, Reference]) -> str:
    return ", ".join(f"{name} ({reference})" for name, reference in references.items())

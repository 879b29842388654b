"""Secrets by reference: what reaches the process, and what is said where one cannot be had."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from deployer.runtime.aws_calls import Refused, Unreachable
from deployer.runtime.secrets import Reference, SecretsUnavailable, renew, resolve

VALUE = "correct-horse-battery-staple"
ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:digits/api-AbCdEf"


@dataclass
class Vault:
    """AWS with these parameters and secrets. `denied` are names that this role may not read."""

    parameters: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str | bytes] = field(default_factory=dict)
    denied: tuple[str, ...] = ()
    unreachable: bool = False
    asked: list[tuple[str, Any, str]] = field(default_factory=list)

    def call(self, service: str, operation: str, request: Mapping[str, Any], *, region: str = "") -> dict[str, Any]:
        self.asked.append((operation, request.get("Names") or request.get("SecretId"), region))
        if self.unreachable:
            raise Unreachable(f"{service}.eu-west-1.amazonaws.com cannot be reached: TimeoutError: timed out")
        return self._parameters(request) if service == "ssm" else self._secret(request["SecretId"])

    def _parameters(self, request: Mapping[str, Any]) -> dict[str, Any]:
        names = request["Names"]
        assert request["WithDecryption"] is True
        assert 1 <= len(names) == len(set(names)) <= 10, "ValidationException of SSM"
        for name in names:
            self._may(name, "ssm:GetParameters")
        found = [{"Name": name, "Value": self.parameters[name]} for name in names if name in self.parameters]
        return {"Parameters": found, "InvalidParameters": [name for name in names if name not in self.parameters]}

    def _secret(self, name: str) -> dict[str, Any]:
        self._may(name, "secretsmanager:GetSecretValue")
        if name not in self.secrets:
            raise Refused("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
        kept = self.secrets[name]
        return {"SecretString": kept} if isinstance(kept, str) else {"SecretBinary": kept.hex()}

    def _may(self, name: str, action: str) -> None:
        if name in self.denied:
            raise Refused("AccessDeniedException", f"not authorized to perform: {action}")


def environment(**references: str) -> dict[str, str]:
    return {"OTHER": "kept", "DEPLOYER_SECRETS": json.dumps(references)}


def failure(vault: Vault, **references: str) -> str:
    """What is said of secrets of which not all can be had; nothing of any is set."""
    before = environment(**references)
    variables = dict(before)
    with pytest.raises(SecretsUnavailable) as raised:
        resolve(variables, calls=vault, conceal=list)
    assert variables == before
    return str(raised.value)


def test_every_secret_is_a_variable_of_the_process() -> None:
    """A parameter, a whole secret, and members of a JSON one, asked for once."""
    vault = Vault({"/digits/password": VALUE}, {ARN: "whole text", "digits/db": '{"user": "app", "port": 5432}'})
    variables = environment(
        DATABASE="ssm:/digits/password",
        API=f"secretsmanager:{ARN}",
        USER="secretsmanager:digits/db#user",
        PORT="secretsmanager:digits/db#port",
    )
    hidden: list[str] = []
    resolve(variables, calls=vault, conceal=hidden.extend)
    assert sorted(hidden) == sorted([VALUE, "whole text", "app", "5432"])  # from the log
    expected = {"OTHER": "kept", "DATABASE": VALUE, "API": "whole text", "USER": "app", "PORT": "5432"}
    assert expected == {name: value for name, value in variables.items() if name != "DEPLOYER_SECRETS"}
    assert vault.asked == [
        ("GetParameters", ["/digits/password"], ""),
        ("GetSecretValue", ARN, "eu-central-1"),  # an ARN says its region itself
        ("GetSecretValue", "digits/db", ""),
    ]


def test_parameters_are_asked_for_ten_at_a_time() -> None:
    """And one that several variables want, once: SSM refuses both otherwise."""
    names = [f"/p{number}" for number in range(21)]
    vault = Vault({name: name for name in names})
    variables = environment(**{f"P{number}": f"ssm:{name}" for number, name in enumerate([*names, "/p0"])})
    resolve(variables, calls=vault, conceal=list)
    assert [len(asked) for _, asked, _ in vault.asked] == [10, 10, 1]
    assert (variables["P0"], variables["P20"], variables["P21"]) == ("/p0", "/p20", "/p0")


@pytest.mark.parametrize("variables", [{}, {"DEPLOYER_SECRETS": ""}, {"DEPLOYER_SECRETS": "{}"}], ids=repr)
def test_without_references_nobody_is_asked(variables: dict[str, str]) -> None:
    """Not even for credentials."""
    vault = Vault(unreachable=True)
    resolve(variables, calls=vault, conceal=list)
    assert vault.asked == []


def test_every_secret_that_is_missing_is_named() -> None:
    """With its variable and reference, and with what AWS says: one message shows all that is to be done."""
    said = failure(
        Vault({"/there": VALUE}),
        THERE="ssm:/there",
        ABSENT="ssm:/absent",
        GONE="secretsmanager:gone#key",
    )
    assert said == (
        "ABSENT (ssm:/absent): ParameterNotFound: there is none of that name; GONE (secretsmanager:gone#key):"
        " ResourceNotFoundException: Secrets Manager can't find the specified secret."
    )


def test_one_denied_parameter_is_told_from_those_beside_it() -> None:
    """SSM refuses the whole call for it, and names no parameter where the key is what was denied."""
    said = failure(Vault({"/a": VALUE, "/b": VALUE}, denied=("/b",)), A="ssm:/a", B="ssm:/b")
    assert said == "B (ssm:/b): AccessDeniedException: not authorized to perform: ssm:GetParameters"


@pytest.mark.parametrize(
    ("kept", "reference", "reason"),
    [
        (VALUE, "#user", "the secret is no JSON object with that key"),
        (f'["{VALUE}"]', "#user", "the secret is no JSON object with that key"),
        (f'{{"other": "{VALUE}"}}', "#user", "the secret is no JSON object with that key"),
        (f'{{"user": null, "other": "{VALUE}"}}', "#user", "the secret is no JSON object with that key"),
        (VALUE.encode(), "", "it is binary, and a variable is text"),
        (f"{VALUE}\0", "", "it has characters that no environment variable can hold"),
        (f"{VALUE}\ud800", "", "it has characters that no environment variable can hold"),
    ],
    ids=["text", "list", "key missing", "null", "binary", "NUL", "surrogate"],
)
def test_a_secret_that_does_not_fit_is_named_and_not_shown(kept: Any, reference: str, reason: str) -> None:
    """Whatever an error of JSON or of the system would have quoted."""
    said = failure(Vault(secrets={"digits": kept}), USER=f"secretsmanager:digits{reference}")
    assert said == f"USER (secretsmanager:digits{reference}): {reason}"


def test_no_exception_holds_a_value() -> None:
    """Neither the one that is raised nor those that it came of: handlers of others print them all."""
    variables = environment(USER="secretsmanager:digits#user")
    with pytest.raises(SecretsUnavailable) as raised:
        resolve(variables, conceal=list, calls=Vault(secrets={"digits": f"{{{VALUE}"}))
    error: BaseException | None = raised.value
    while error is not None:
        assert VALUE not in f"{error!r} {vars(error)}"
        error = error.__cause__ or error.__context__


def test_an_address_that_does_not_answer_is_asked_once() -> None:
    """Ten secrets would take Lambda's ten seconds four times over."""
    vault = Vault(unreachable=True)
    said = failure(vault, A="secretsmanager:a", B="secretsmanager:b")
    assert said == (
        "A (secretsmanager:a), B (secretsmanager:b): secretsmanager.eu-west-1.amazonaws.com cannot be reached:"
        " TimeoutError: timed out"
    )
    assert len(vault.asked) == 1


@pytest.mark.parametrize("text", ["{", "[]", '{"A": 1}', '{"A": "vault:x"}'])
def test_references_of_another_make_are_refused(text: str) -> None:
    """A variable that was changed by hand."""
    with pytest.raises(SecretsUnavailable, match="DEPLOYER_SECRETS"):
        resolve({"DEPLOYER_SECRETS": text}, conceal=list, calls=Vault())


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("ssm:/a/b", Reference("ssm", "/a/b")),
        ("secretsmanager:a/b", Reference("secretsmanager", "a/b")),
        (f"secretsmanager:{ARN}#k:1", Reference("secretsmanager", ARN, "k:1")),
    ],
)
def test_a_reference_reads_as_it_is_written(text: str, reference: Reference) -> None:
    """There and back."""
    assert (Reference.parse(text), str(reference)) == (reference, text)


def test_a_restored_process_has_what_the_secret_is_now() -> None:
    """A snapshot may be older than the last rotation."""
    variables = environment(DATABASE="ssm:/p")
    resolve(variables, conceal=list, calls=Vault({"/p": "of the snapshot"}))
    renew(variables, conceal=list, calls=Vault({"/p": "of today"}))
    assert variables["DATABASE"] == "of today"


def test_a_restored_process_goes_on_with_the_snapshots_secrets(caplog: pytest.LogCaptureFixture) -> None:
    """Where they cannot be read again, which the log says: many restores at once are more than SSM answers."""
    variables = environment(DATABASE="ssm:/p")
    resolve(variables, conceal=list, calls=Vault({"/p": VALUE}))
    renew(variables, conceal=list, calls=Vault(denied=("/p",)))
    assert variables["DATABASE"] == VALUE
    assert "those of the snapshot" in caplog.text
    assert "DATABASE (ssm:/p): AccessDeniedException" in caplog.text

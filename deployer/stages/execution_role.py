"""What the function itself may do: the rights that the template gives its execution role, for people to read.

The template's role.tf is what counts: tests/unit/test_iam_policy.py and tests/functional/test_aws_calls.py hold the two
against each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from deployer.config import DeploymentConfig
from deployer.policies import Conditions, Statement
from deployer.stages.resource_names import ResourceNames

SENDS = {
    "sqs": "sqs:SendMessage",
    "sns": "sns:Publish",
    "lambda": "lambda:InvokeFunction",
    "events": "events:PutEvents",
}
NETWORK = (
    *("AssignPrivateIpAddresses", "CreateNetworkInterface", "DeleteNetworkInterface", "DescribeNetworkInterfaces"),
    *("DescribeSubnets", "UnassignPrivateIpAddresses"),
)
SSM, SECRETS_MANAGER = "ssm:", "secretsmanager:"


def execution_role_policy(config: DeploymentConfig, *, account: str = "*") -> tuple[Statement, ...]:
    """Also what a role of the user's own (`spec.role`) has to allow."""
    names = ResourceNames(config, account)
    return (*_log(names), *_sending(config), *_secrets(names), *_services(config))


def _log(names: ResourceNames) -> Iterator[Statement]:
    calls = ("logs:CreateLogStream", "logs:PutLogEvents")
    yield Statement("Log", calls, names.log_group[:1], "Write its own log; the group is made before the function.")


def _sending(config: DeploymentConfig) -> Iterator[Statement]:
    """One for each queue, topic, function or bus that hears of asynchronous requests."""
    destinations = config.spec.destinations
    told = (config.spec.dead_letter, *((destinations.on_success, destinations.on_failure) if destinations else ()))
    for number, arn in enumerate(dict.fromkeys(filter(None, told)), 1):
        action = SENDS[arn.split(":")[2]]
        yield Statement(f"Tell{number}", (action,), (arn,), "spec.dead_letter or spec.destinations names it.")


def _secrets(names: ResourceNames) -> Iterator[Statement]:
    """Reading them when the function starts, and the keys of the user's own that may encrypt them."""
    references = sorted(set(names.config.secrets.values()))
    secrets = _unique(_secret_arn(names, text) for text in references if text.startswith(SECRETS_MANAGER))
    parameters = _unique(_parameter_arn(names, text) for text in references if text.startswith(SSM))
    if secrets:
        why = "Read the secrets of the config when it starts."
        yield Statement("Secrets", ("secretsmanager:GetSecretValue",), secrets, why)
    if parameters:
        why = "Read the parameters of the config when it starts."
        yield Statement("Parameters", ("ssm:GetParameters",), parameters, why)
    yield from _keys(names, "ssm", "PARAMETER_ARN", parameters)
    yield from _keys(names, "secretsmanager", "SecretARN", secrets)


def _secret_arn(names: ResourceNames, reference: str) -> str:
    """Secrets Manager adds six characters to a secret's name."""
    name = reference.removeprefix(SECRETS_MANAGER).partition("#")[0]
    return name if name.startswith("arn:") else names.regional("secretsmanager", f"secret:{name}-??????")


def _parameter_arn(names: ResourceNames, reference: str) -> str:
    return names.regional("ssm", f"parameter/{reference.removeprefix(SSM).removeprefix('/')}")


def _keys(names: ResourceNames, service: str, context: str, arns: tuple[str, ...]) -> Iterator[Statement]:
    if not arns:
        return
    through: Conditions = {
        "StringEquals": {"kms:ViaService": f"{service}.{names.region}.amazonaws.com"},
        "StringLike": {f"kms:EncryptionContext:{context}": list(arns)},
    }
    why = "A key of the user's own may encrypt them: it decrypts these, through their service, and nothing else."
    key = names.regional("kms", "key/*")
    yield Statement(f"KeysOf{service.capitalize()}", ("kms:Decrypt",), (key,), why, through)


def _unique(arns: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(arns))


def _services(config: DeploymentConfig) -> Iterator[Statement]:
    spec = config.spec
    if spec.kms_key:
        yield Statement(
            "KmsKey", ("kms:Decrypt",), (spec.kms_key,), "Read its environment, which spec.kms_key encrypts."
        )
    if spec.file_system:
        calls = ("elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite")
        point = {"StringEquals": {"elasticfilesystem:AccessPointArn": spec.file_system.access_point}}
        yield Statement("FileSystem", calls, ("*",), "Mount spec.file_system, through its access point alone.", point)
    if spec.vpc:
        network = tuple(f"ec2:{call}" for call in NETWORK)
        why = "Lambda makes and removes its network interfaces with these; none can be narrowed before they are there."
        yield Statement("Network", network, ("*",), why)
    if spec.tracing:
        calls = ("xray:PutTelemetryRecords", "xray:PutTraceSegments")
        yield Statement("Tracing", calls, ("*",), "Send traces to X-Ray, which knows no narrower resource.")

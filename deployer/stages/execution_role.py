"""What the function itself may do: the rights that the template gives its execution role, for people to read.

The template's role.tf is what counts: tests/unit/test_iam_policy.py and tests/functional/test_aws_calls.py hold the two
against each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from deployer.config import DeploymentConfig
from deployer.policies import Conditions, Statement
from deployer.stages.resource_names import ResourceNames
from deployer.tools.aws_partition import partition_of

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
ENCRYPTED = ("sqs", "sns")  # who sends there uses the key; a bus uses its own rights
ARN_COLONS = 4  # more are no part of a secret's name
SSM, SECRETS_MANAGER = "ssm:", "secretsmanager:"


def execution_role_policy(config: DeploymentConfig, *, account: str = "*") -> tuple[Statement, ...]:
    """Also what a role of the user's own (`spec.role`) has to allow."""
    names = ResourceNames(config, account)
    return (*_log(names), *_sending(names), *_secrets(names), *_services(config))


def _log(names: ResourceNames) -> Iterator[Statement]:
    calls = ("logs:CreateLogStream", "logs:PutLogEvents")
    yield Statement("Log", calls, names.log_group[:1], "Write its own log; the group is made before the function.")


def _sending(names: ResourceNames) -> Iterator[Statement]:
    """One for each queue, topic, function or bus that hears of asynchronous requests, and one for the keys of these."""
    spec = names.config.spec
    destinations = spec.destinations
    named = (spec.dead_letter, *((destinations.on_success, destinations.on_failure) if destinations else ()))
    told = _unique(arn for arn in named if arn)
    for number, arn in enumerate(told, 1):
        action = SENDS[_service(arn)]
        yield Statement(f"Tell{number}", (action,), (arn,), "spec.dead_letter or spec.destinations names it.")
    encrypted = tuple(arn for arn in told if _service(arn) in ENCRYPTED)
    if encrypted:
        why = "A key of the user's own may encrypt a queue or topic: who sends there has it make and read data keys."
        calls = ("kms:Decrypt", "kms:GenerateDataKey")
        yield Statement("KeysOfTold", calls, _keys(names, encrypted), why, {"StringEquals": _through(encrypted)})


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
    yield from _reading(names, "PARAMETER_ARN", parameters)
    yield from _reading(names, "SecretARN", secrets)


def _secret_arn(names: ResourceNames, reference: str) -> str:
    """Secrets Manager adds six characters to a secret's name."""
    name = reference.removeprefix(SECRETS_MANAGER).partition("#")[0]
    return name if name.count(":") > ARN_COLONS else names.regional("secretsmanager", f"secret:{name}-??????")


def _parameter_arn(names: ResourceNames, reference: str) -> str:
    return names.regional("ssm", f"parameter/{reference.removeprefix(SSM).removeprefix('/')}")


def _reading(names: ResourceNames, context: str, arns: tuple[str, ...]) -> Iterator[Statement]:
    if not arns:
        return
    these: Conditions = {
        "StringEquals": _through(arns),
        "StringLike": {f"kms:EncryptionContext:{context}": list(arns)},
    }
    why = "A key of the user's own may encrypt them: it decrypts these, through their service, and nothing else."
    yield Statement(f"KeysOf{_service(arns[0]).capitalize()}", ("kms:Decrypt",), _keys(names, arns), why, these)


def _keys(names: ResourceNames, arns: tuple[str, ...]) -> tuple[str, ...]:
    """The keys where these are: a secret's ARN may be of another region than the function."""
    places = (arn.split(":")[3:5] for arn in arns)
    return _unique(f"arn:{names.partition}:kms:{region}:{account}:key/*" for region, account in places)


def _through(arns: tuple[str, ...]) -> Mapping[str, list[str]]:
    places = [arn.split(":")[2:4] for arn in arns]
    services = [partition_of(region).via(service, region) for service, region in places]
    return {"kms:ViaService": list(dict.fromkeys(chain.from_iterable(services)))}


def _service(arn: str) -> str:
    return arn.split(":")[2]


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

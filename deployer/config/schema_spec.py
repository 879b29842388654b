"""The JSON Schema of `spec`, as data: what the Lambda function is like.

Limits are AWS's own, from the service models of Lambda, ECR, CloudWatch Logs, IAM and API Gateway, and the Lambda
quotas page.
"""

from __future__ import annotations

from typing import Any

from deployer.config.schema_parts import BOOLEAN, ROUTE, arn, mapping, text, texts, whole

OWN_TAGS = 2 + 20  # deployer:name, deployer:bento, and the smoke tests of 20 versions; AWS allows 50 on a resource
REPOSITORY = r"^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*\Z"
REPOSITORY_RULE = "lower-case letters and digits joined by . _ - or /, 2 to 256 characters"

LOG_RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)

REGIONS = (
    *("af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3"),
    *("ap-south-1", "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4"),
    *("ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "ca-central-1", "ca-west-1", "cn-north-1"),
    *("cn-northwest-1", "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2"),
    *("eu-west-1", "eu-west-2", "eu-west-3", "eusc-de-east-1", "il-central-1", "me-central-1"),
    *("me-south-1", "mx-central-1", "sa-east-1", "us-east-1", "us-east-2", "us-gov-east-1"),
    *("us-gov-west-1", "us-west-1", "us-west-2"),
)

# Lambda's developer guide, "Creating and managing Lambda function URLs", and the GovCloud user guide on Lambda. The
# list gets shorter, so a region is told of and not refused.
REGIONS_WITHOUT_FUNCTION_URLS = (
    *("ap-east-2", "ap-south-2", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "ca-west-1"),
    *("eu-central-2", "eu-south-2", "il-central-1", "me-central-1", "us-gov-east-1", "us-gov-west-1"),
)
NO_FUNCTION_URLS = (
    "spec.region is {region}, where Lambda has no Function URLs by AWS's documents, and deployer tests a new version"
    " through one whatever spec.endpoint is. If terraform fails at aws_lambda_function_url.candidate, `deployer down`"
    " takes away what was made; choose another region then."
)

_TAG_CHARACTERS = r"^[\w \u00a0.:/=+\-@]*\Z"
_AREA = r"(af|ap|ca|cn|eu|eu-iso[a-z]?|eusc-de|il|me|mx|sa|us|us-gov|us-iso[a-z]?)"
_DIRECTION = r"(central|east|north|northeast|northwest|south|southeast|southwest|west)"

TAGS: dict[str, Any] = {
    "type": "object",
    "maxProperties": 50 - OWN_TAGS,
    "description": f"a mapping of at most {50 - OWN_TAGS} tags (AWS allows 50, deployer adds {OWN_TAGS})",
    "propertyNames": {
        "description": "1 to 128 letters, digits, spaces and . : / = + - @ _, not beginning with aws: or deployer:",
        "maxLength": 128,
        "minLength": 1,
        "pattern": r"(?i)^(?!aws:|deployer:)" + _TAG_CHARACTERS[1:],
    },
    "additionalProperties": {
        "type": "string",
        "maxLength": 256,
        "pattern": _TAG_CHARACTERS,
        "description": "text of at most 256 letters, digits, spaces and . : / = + - @ _",
    },
}

_REGION = r"[a-z0-9-]+"
_ORIGIN = text(r"(\*|https?://[\w.*:-]+)", "an origin such as https://example.com, or *")
_METHOD: dict[str, Any] = {"enum": ["GET", "PUT", "HEAD", "POST", "PATCH", "DELETE", "*"]}
_METHODS: dict[str, Any] = {
    "type": "array",
    "minItems": 1,
    "maxItems": 6,
    "items": _METHOD,
    "description": "a list of 1 to 6 HTTP methods",
}
_HEADER = text(r"(\*|[A-Za-z0-9-]{1,64})", "the name of a header, or *")

_CORS: dict[str, Any] = mapping(
    {
        "allow_origins": texts(_ORIGIN, at_least=1, at_most=100),
        "allow_methods": _METHODS,
        "allow_headers": texts(_HEADER, at_least=0, at_most=100),
        "expose_headers": texts(_HEADER, at_least=0, at_most=100),
        "max_age": whole(0, 86400, "seconds"),
        "allow_credentials": BOOLEAN,
    },
    required=("allow_origins",),
)

_VPC: dict[str, Any] = mapping(
    {
        "subnet_ids": texts(text(r"subnet-[0-9a-z]+", "a subnet's ID"), at_least=1, at_most=16),
        "security_group_ids": texts(text(r"sg-[0-9a-z]+", "a security group's ID"), at_least=1, at_most=5),
        "ipv6": BOOLEAN,
    },
    required=("subnet_ids", "security_group_ids"),
)

_FILE_SYSTEM: dict[str, Any] = mapping(
    {
        "access_point": arn(
            rf"elasticfilesystem:{_REGION}:\d{{12}}:access-point/fsap-[0-9a-f]+", "an EFS access point"
        ),
        "path": text(r"/mnt/[A-Za-z0-9_.-]{1,155}", "a folder directly below /mnt, such as /mnt/models"),
    },
    required=("access_point", "path"),
)

_DESTINATION = arn(
    rf"((sqs|sns):{_REGION}:\d{{12}}:[\w.-]+|lambda:{_REGION}:\d{{12}}:function:[\w:-]+"
    rf"|events:{_REGION}:\d{{12}}:event-bus/[\w./-]+)",
    "an SQS queue, an SNS topic, a Lambda function or an EventBridge bus",
)
_DESTINATIONS: dict[str, Any] = mapping(
    {
        "on_success": _DESTINATION,
        "on_failure": _DESTINATION,
        "max_age": whole(60, 21600, "seconds"),
        "retries": whole(0, 2, "retries"),
    }
)

SPEC: dict[str, Any] = mapping(
    {
        "region": {
            "type": "string",
            "pattern": rf"^{_AREA}-{_DIRECTION}-[1-9]\Z",
            "examples": list(REGIONS),
            "description": "an AWS region such as us-east-1 or eu-central-1",
        },
        "timeout": whole(1, 900, "seconds"),
        "memory_size": whole(128, 10240, "MB"),
        "ephemeral_storage": whole(512, 10240, "MB"),
        "architecture": {"enum": ["x86_64", "arm64"]},
        "auth": {"enum": ["iam", "none"]},
        "invoke_mode": {"enum": ["BUFFERED", "RESPONSE_STREAM"]},
        "event_route": ROUTE,
        "documentation": BOOLEAN,
        "log_retention_days": {"enum": list(LOG_RETENTION_DAYS)},
        "repository": {
            "type": "string",
            "minLength": 2,
            "maxLength": 256,
            "pattern": REPOSITORY,
            "description": f"an ECR repository name: {REPOSITORY_RULE}",
        },
        "description": {"type": "string", "maxLength": 256, "description": "text of at most 256 characters"},
        "tags": TAGS,
        "endpoint": {"enum": ["function_url", "http_api"]},
        "stage": text(r"(\$default|[A-Za-z0-9_-]{1,128})", "$default, or 1 to 128 letters, digits, - and _"),
        "cors": _CORS,
        "vpc": _VPC,
        "file_system": _FILE_SYSTEM,
        "dead_letter": arn(rf"(sqs|sns):{_REGION}:\d{{12}}:[\w.-]+", "an SQS queue or an SNS topic"),
        "destinations": _DESTINATIONS,
        "reserved_concurrency": whole(0, 100000, "concurrent requests"),
        "provisioned_concurrency": whole(1, 100000, "execution environments"),
        "snapstart": BOOLEAN,
        "tracing": BOOLEAN,
        "kms_key": arn(rf"kms:{_REGION}:\d{{12}}:key/[\w-]+", "a KMS key"),
        "log_format": {"enum": ["Text", "JSON"]},
        "log_level": {"enum": ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]},
        "system_log_level": {"enum": ["DEBUG", "INFO", "WARN"]},
        "role": arn(r"iam::\d{12}:role/[\w+=,.@/-]+", "an IAM role"),
        "permission_boundary": arn(r"iam::(\d{12}|aws):policy/[\w+=,.@/-]+", "an IAM policy"),
    }
)

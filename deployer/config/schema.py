"""The JSON Schema (Draft 2020-12) of a deployment config, as data.

A `description` is not decoration: it says which values are valid and is shown to the user when one is not.
Limits are AWS's own, from the service models of Lambda, ECR, CloudWatch Logs, IAM and the Lambda quotas page.
"""

from __future__ import annotations

from typing import Any

SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"

ENV_BYTES = 4096  # all names and values of the function's environment, as JSON: Lambda measures that text
ROLE_NAME_LENGTH = 64
OWN_TAGS = 2  # deployer:name and deployer:bento; AWS allows 50 on a resource
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

RESERVED_ENV = (
    *("_HANDLER", "_X_AMZN_TRACE_ID", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION"),
    *("AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_NAME"),
    *("AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME"),
    *("AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "AWS_SECRET_ACCESS_KEY"),
    *("AWS_SESSION_TOKEN", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT"),
)
OWN_ENV = r"^DEPLOYER_(?!DISPATCH\Z)"  # how the settings reach the function's runtime
IMAGE_ENV = ("BENTO_PATH", "PYTHONPATH")  # with other values the image cannot find the Bento or its packages

IMAGE_REFERENCE = r"[A-Za-z0-9][A-Za-z0-9._/:-]*(@sha256:[0-9a-f]{64})?"

_TAG_CHARACTERS = r"^[\w \u00a0.:/=+\-@]*\Z"
_AREA = r"(af|ap|ca|cn|eu|eu-iso[a-z]?|eusc-de|il|me|mx|sa|us|us-gov|us-iso[a-z]?)"
_DIRECTION = r"(central|east|north|northeast|northwest|south|southeast|southwest|west)"
_TAG_PART = r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?"

_BOOLEAN: dict[str, Any] = {"type": "boolean", "description": "true or false"}
_ROUTE: dict[str, Any] = {
    "type": "string",
    "pattern": r"^/[^\s?#]*\Z",
    "description": "a route of the Bento that begins with /, such as /predict",
}


def _whole(minimum: int, maximum: int, unit: str) -> dict[str, Any]:
    valid = f"a whole number of {unit} from {minimum} to {maximum}"
    return {"type": "integer", "minimum": minimum, "maximum": maximum, "description": valid}


def _mapping(properties: dict[str, Any], *, required: tuple[str, ...] = ()) -> dict[str, Any]:
    keys = ", ".join(properties)
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
        "description": f"a mapping with the keys {keys}",
    }


_TAGS: dict[str, Any] = {
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

_ENV: dict[str, Any] = {
    "type": "object",
    "description": "a mapping of environment variable names to text",
    "propertyNames": {
        "allOf": [
            {
                "not": {"enum": list(RESERVED_ENV)},
                "description": f"Lambda sets these itself: {', '.join(RESERVED_ENV)}",
            },
            {
                "not": {"enum": list(IMAGE_ENV)},
                "description": f"the image sets these itself: {', '.join(IMAGE_ENV)}",
            },
            {
                "not": {"pattern": OWN_ENV},
                "description": "names that begin with DEPLOYER_ are deployer's own, but for DEPLOYER_DISPATCH",
            },
            {
                "anyOf": [{"pattern": r"^[A-Za-z][A-Za-z0-9_]+\Z"}, {"enum": list(RESERVED_ENV)}],
                "description": "at least two letters, digits and _, a letter first",
            },
        ],
    },
    "patternProperties": {r"^DEPLOYER_DISPATCH\Z": {"enum": ["auto", "full", "lean"]}},
    "additionalProperties": {"type": "string", "pattern": r"^[^\x00]*\Z", "description": "text without NUL characters"},
}

_SPEC: dict[str, Any] = _mapping(
    {
        "region": {
            "type": "string",
            "pattern": rf"^{_AREA}-{_DIRECTION}-[1-9]\Z",
            "examples": list(REGIONS),
            "description": "an AWS region such as us-east-1 or eu-central-1",
        },
        "timeout": _whole(1, 900, "seconds"),
        "memory_size": _whole(128, 10240, "MB"),
        "ephemeral_storage": _whole(512, 10240, "MB"),
        "architecture": {"enum": ["x86_64", "arm64"]},
        "auth": {"enum": ["iam", "none"]},
        "invoke_mode": {"enum": ["BUFFERED", "RESPONSE_STREAM"]},
        "event_route": _ROUTE,
        "documentation": _BOOLEAN,
        "log_retention_days": {"enum": list(LOG_RETENTION_DAYS)},
        "repository": {
            "type": "string",
            "minLength": 2,
            "maxLength": 256,
            "pattern": REPOSITORY,
            "description": f"an ECR repository name: {REPOSITORY_RULE}",
        },
        "description": {"type": "string", "maxLength": 256, "description": "text of at most 256 characters"},
        "tags": _TAGS,
    }
)

_IMAGE: dict[str, Any] = _mapping(
    {
        "builder": {"enum": ["auto", "oci", "docker"]},
        "base": {
            "type": "string",
            "pattern": rf"^{IMAGE_REFERENCE}\Z",
            "description": "an image reference such as python:3.11-slim or HOST/NAME@sha256:…, or none",
        },
        "import_check": _BOOLEAN,
    }
)

_SMOKE_TEST: dict[str, Any] = _mapping(
    {
        "route": _ROUTE,
        "samples": {
            "type": "string",
            "minLength": 1,
            "description": "the path of a JSON file, relative to this config",
        },
        "expected": {},
        "timeout": _whole(1, 900, "seconds"),
    }
)

_TERRAFORM: dict[str, Any] = _mapping(
    {
        "template": {
            "type": "string",
            "minLength": 1,
            "description": "the path of a folder of .tf files, relative to this config",
        },
        "provider_mirror": {
            "type": "string",
            "minLength": 1,
            "description": "the path of a filesystem mirror of terraform providers, relative to this config",
        },
    }
)

SCHEMA: dict[str, Any] = {
    "$schema": SCHEMA_DIALECT,
    **_mapping(
        {
            "api_version": {"enum": ["v1"]},
            "name": {
                "type": "string",
                "pattern": r"^[A-Za-z0-9_-]{1,64}\Z",
                "description": "1 to 64 letters, digits, - and _ (Lambda's rule for function names)",
            },
            "operator": _mapping({"name": {"enum": ["aws-lambda"]}}, required=("name",)),
            "template": {"enum": ["terraform"]},
            "spec": _SPEC,
            "image": _IMAGE,
            "env": _ENV,
            "bento": {
                "type": "string",
                "pattern": rf"^{_TAG_PART}(:{_TAG_PART})?\Z",
                "description": "a Bento as NAME or NAME:VERSION",
            },
            "target": {"enum": ["local", "aws"]},
            "smoke_test": _SMOKE_TEST,
            "terraform": _TERRAFORM,
        },
        required=("api_version", "name", "operator", "template"),
    ),
}

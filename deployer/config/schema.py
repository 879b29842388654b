"""The JSON Schema (Draft 2020-12) of a deployment config, as data.

A `description` is not decoration: it says which values are valid and is shown to the user when one is not.
Limits are AWS's own, from the service models of Lambda, ECR, CloudWatch Logs, IAM and the Lambda quotas page.
"""

from __future__ import annotations

from typing import Any

from deployer.config.schema_parts import BOOLEAN, ROUTE, mapping, text, whole
from deployer.config.schema_spec import SPEC

SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"

ENV_BYTES = 4096  # all names and values of the function's environment, as JSON: Lambda measures that text
ROLE_NAME_LENGTH = 64

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

_TAG_PART = r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?"

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

_IMAGE: dict[str, Any] = mapping(
    {
        "builder": {"enum": ["auto", "oci", "docker"]},
        "base": {
            "type": "string",
            "pattern": rf"^{IMAGE_REFERENCE}\Z",
            "description": "an image reference such as python:3.11-slim or HOST/NAME@sha256:…, or none",
        },
        "import_check": BOOLEAN,
    }
)

_SMOKE_TEST: dict[str, Any] = mapping(
    {
        "route": ROUTE,
        "samples": {
            "type": "string",
            "minLength": 1,
            "description": "the path of a JSON file, relative to this config",
        },
        "expected": {},
        "timeout": whole(1, 900, "seconds"),
    }
)

_ENV_NAME = _ENV["propertyNames"]
_SECRETS: dict[str, Any] = {
    "type": "object",
    "description": "a mapping of environment variable names to references",
    "propertyNames": _ENV_NAME,
    "additionalProperties": text(
        r"(ssm:/?[\w.-]+(/[\w.-]+)*|secretsmanager:[\w/+=.@:-]+(#[^\s#]+)?)",
        "ssm:PARAMETER, secretsmanager:SECRET or secretsmanager:SECRET#KEY (SECRET is a name or an ARN)",
    ),
}

_BACKEND: dict[str, Any] = mapping(
    {
        "type": {"enum": ["s3"]},
        "bucket": text(
            r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "an S3 bucket's name: 3 to 63 lower-case letters, digits, . and -"
        ),
        "key": text(r"[\w.=@+-]+(/[\w.=@+-]+)*", "a path in the bucket such as team/digits/terraform.tfstate"),
        "region": SPEC["properties"]["region"],
    },
    required=("type", "bucket"),
)

_ACCOUNT = text(r"\d{12}", "an AWS account's twelve digits in quotes")
_PROFILE = text(r"\S+( \S+)*", "the name of a profile in AWS's config file")

_TERRAFORM: dict[str, Any] = mapping(
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
        "backend": _BACKEND,
    }
)

_NAME = text(r"[A-Za-z0-9_-]{1,64}", "1 to 64 letters, digits, - and _ (Lambda's rule for function names)")
# What an environment may say otherwise. Required keys of a mapping may come from the config it lies over, so an
# environment is checked for itself only by the names of its keys, and whole once it is laid over the config.
OVERLAY_KEYS = (
    *("name", "spec", "image", "env", "secrets", "bento", "target", "account", "profile", "smoke_test", "terraform"),
)
ENVIRONMENT = r"[a-z][a-z0-9-]{0,30}"
_ENVIRONMENTS: dict[str, Any] = {
    "type": "object",
    "description": "a mapping of environments by name, each with keys of this config that are otherwise there",
    "propertyNames": {
        "pattern": rf"^{ENVIRONMENT}\Z",
        "description": "a lower-case letter and up to 30 letters, digits and -",
    },
    "additionalProperties": {
        "type": "object",
        "propertyNames": {"enum": list(OVERLAY_KEYS), "description": ", ".join(OVERLAY_KEYS)},
        "description": f"a mapping with keys of {', '.join(OVERLAY_KEYS)}",
    },
}

SCHEMA: dict[str, Any] = {
    "$schema": SCHEMA_DIALECT,
    **mapping(
        {
            "api_version": {"enum": ["v1"]},
            "name": _NAME,
            "operator": mapping({"name": {"enum": ["aws-lambda"]}}, required=("name",)),
            "template": {"enum": ["terraform"]},
            "spec": SPEC,
            "image": _IMAGE,
            "env": _ENV,
            "secrets": _SECRETS,
            "bento": {
                "type": "string",
                "pattern": rf"^{_TAG_PART}(:{_TAG_PART})?\Z",
                "description": "a Bento as NAME or NAME:VERSION",
            },
            "target": {"enum": ["local", "aws"]},
            "account": _ACCOUNT,
            "profile": _PROFILE,
            "environments": _ENVIRONMENTS,
            "smoke_test": _SMOKE_TEST,
            "terraform": _TERRAFORM,
        },
        required=("api_version", "name", "operator", "template"),
    ),
}

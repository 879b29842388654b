"""The settings of a function that moto drops or does not know, kept in moto's own record of it.

A version keeps those that it was published with: what is kept is replaced as a whole and never changed in place.
Defaults are those of Lambda's API reference (LoggingConfig, SnapStart, VpcConfigResponse).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.awslambda.models import ImageConfig

UNKNOWN_TO_MOTO = ("DeadLetterConfig", "FileSystemConfigs", "LoggingConfig", "SnapStart")

Configuration = Mapping[str, Any]


def take(latest: Any, asked: Configuration) -> None:
    """What CreateFunction, UpdateFunctionConfiguration or -Code asks of `$LATEST` and moto does not take over."""
    if asked.get("EphemeralStorage"):
        latest.ephemeral_storage = asked["EphemeralStorage"]["Size"]
    if asked.get("ImageConfig") is not None:  # an empty one leaves everything to the image again
        latest.image_config = ImageConfig(asked["ImageConfig"])
    if asked.get("TracingConfig"):
        latest.tracing_config = dict(asked["TracingConfig"])
    if asked.get("KMSKeyArn") is not None:
        latest.kms_key_arn = asked["KMSKeyArn"]
    given = {name: asked[name] for name in UNKNOWN_TO_MOTO if asked.get(name) is not None}
    latest.deployer_settings = {**_kept(latest), **given}
    if asked.get("Architectures"):
        latest.architectures = list(asked["Architectures"])


def described(version: Any) -> Configuration:
    """As GetFunctionConfiguration answers it."""
    kept, said = _kept(version), version.get_configuration()
    published = said["Version"] != "$LATEST"
    dead_letter = kept.get("DeadLetterConfig") or {}
    return {
        **said,
        "VpcConfig": _vpc(said.get("VpcConfig")),
        "LoggingConfig": _logging(kept.get("LoggingConfig") or {}, group=version.logs_group_name),
        "SnapStart": _snap_start(kept.get("SnapStart") or {}, published=published),
        **({"DeadLetterConfig": dead_letter} if dead_letter.get("TargetArn") else {}),
        **({"FileSystemConfigs": kept["FileSystemConfigs"]} if kept.get("FileSystemConfigs") else {}),
    }


def log_variables(version: Any) -> Mapping[str, str]:
    """What Lambda tells a runtime that is to write its lines in JSON."""
    logging = described(version)["LoggingConfig"]
    if logging["LogFormat"] != "JSON":
        return {}
    return {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": logging["ApplicationLogLevel"]}


def _kept(version: Any) -> Configuration:
    kept: Configuration = getattr(version, "deployer_settings", {})
    return kept


def _vpc(asked: Configuration | None) -> Configuration:
    if not asked or not asked.get("SubnetIds"):
        return {"SubnetIds": [], "SecurityGroupIds": [], "VpcId": "", "Ipv6AllowedForDualStack": False}
    return {"Ipv6AllowedForDualStack": False, **asked}


def _logging(asked: Configuration, *, group: str) -> Configuration:
    """Levels belong to lines in JSON."""
    format_, named = asked.get("LogFormat") or "Text", asked.get("LogGroup") or group
    if format_ != "JSON":
        return {"LogFormat": format_, "LogGroup": named}
    levels = {name: asked.get(name) or "INFO" for name in ("ApplicationLogLevel", "SystemLogLevel")}
    return {"LogFormat": format_, **levels, "LogGroup": named}


def _snap_start(asked: Configuration, *, published: bool) -> Configuration:
    """A snapshot is made of published versions only."""
    apply_on = asked.get("ApplyOn") or "None"
    return {"ApplyOn": apply_on, "OptimizationStatus": "On" if published and apply_on != "None" else "Off"}

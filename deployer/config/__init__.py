"""A deployment config: one YAML file, a valid bentoctl v1 deployment config with sections of ours beside it.

No tool is called here. What reads YAML and checks schemas is loaded with the first config, not with this package.
"""

from deployer.config.load import default_config, load_config
from deployer.config.values import (
    Auth,
    DeploymentConfig,
    ImageOptions,
    InvokeMode,
    SmokeTest,
    Spec,
    TargetName,
    TerraformOptions,
)

__all__ = [
    "Auth",
    "DeploymentConfig",
    "ImageOptions",
    "InvokeMode",
    "SmokeTest",
    "Spec",
    "TargetName",
    "TerraformOptions",
    "default_config",
    "load_config",
]

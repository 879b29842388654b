"""The network interfaces that Lambda makes in a VPC: it deletes them itself, some time after the function.

For that it asks the function's execution role ("Giving Lambda functions access to resources in an Amazon VPC"), which
may be gone by then. Nobody can see from outside whether it still needs them.
"""

from __future__ import annotations

from deployer.config import DeploymentConfig

MINUTES = 20  # CloudFormation users see up to 45; nothing here waits for it


def interfaces_note(config: DeploymentConfig) -> str:
    """What to tell people when the function is removed; empty for a function without a VPC."""
    spec = config.spec
    if not spec.vpc:
        return ""
    role = "" if spec.role else ", if it still can without the role that is removed"
    named = f'--region {spec.region} --filters "Name=description,Values=AWS Lambda VPC ENI-{config.name}*"'
    return (
        f"Lambda deletes its network interfaces in {', '.join(spec.vpc.subnet_ids)} by itself, within about {MINUTES}"
        f" minutes{role}. Until then subnets and security groups cannot be deleted. `aws ec2"
        f" describe-network-interfaces {named}` lists those that are left: delete the ones whose status is `available`."
    )

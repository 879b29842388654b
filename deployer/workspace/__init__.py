"""`.deployer/<name>/<target>[.<environment>]/` under the current folder: what a deployment needs between two commands.

Nothing else knows this shape. It is a working copy: the truth is in AWS and in the terraform state that lies here.
"""

from deployer.workspace.folder import Workspace, deployments, project_log, was_removed
from deployer.workspace.record import Record

__all__ = ["Record", "Workspace", "deployments", "project_log", "was_removed"]

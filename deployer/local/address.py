"""Where the daemon is: one file in the state folder, readable by its user only.

The file outlives the daemon, so that a restarted daemon takes the same ports and the same keys and every URL that was
handed out stays good. Whether a daemon answers there is for `client.running` to find out.
"""

from __future__ import annotations

import json
import secrets
import string
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from deployer import directories
from deployer.files import replace_file

LOOPBACK = "127.0.0.1"
HEALTH = "/_deployer/health"  # of the gateway: says which daemon answers there, and how it is


@dataclass(frozen=True)
class Address:
    """`created` is the process's start time: with `pid` it tells this daemon from a later process of the same number.

    `access_key_id` doubles as the password of the control plane: whoever reads the file may use the daemon.
    """

    pid: int
    created: float
    endpoint_port: int
    gateway_port: int
    access_key_id: str
    secret_access_key: str

    @property
    def endpoint(self) -> str:
        return f"http://{LOOPBACK}:{self.endpoint_port}"

    @property
    def gateway(self) -> str:
        return f"http://{LOOPBACK}:{self.gateway_port}"

    @property
    def aws_variables(self) -> dict[str, str]:
        """What leads AWS's own tools here, and nowhere else."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


@dataclass(frozen=True)
class Folders:
    """Where the local AWS keeps things: `state` is lasting, `cache` may be deleted while no daemon runs."""

    state: Path
    cache: Path

    @classmethod
    def of_user(cls) -> Folders:
        return cls(state=directories.state(), cache=directories.cache() / "local")

    @property
    def log(self) -> Path:
        return self.state / "local.log"


def path(state: Path) -> Path:
    return state / "local.json"


def read(state: Path) -> Address | None:
    """The address as last written, or None where there is none or the file is not what this version writes."""
    try:
        values: Mapping[str, Any] = json.loads(path(state).read_text(encoding="utf-8"))
        return Address(**values)
    except (OSError, ValueError, TypeError):
        return None


def write(state: Path, address: Address) -> None:
    """Replace the file in one step; never readable by others, not even for a moment."""
    replace_file(path(state), json.dumps(asdict(address), indent=2) + "\n", private=True)


def next_address(last: Address | None, *, pid: int, created: float) -> Address:
    """The address a starting daemon asks for: the last one's ports and keys, or port 0 and new keys."""
    if last is not None:
        return replace(last, pid=pid, created=created)
    letters = string.ascii_uppercase + string.digits
    key = "LOCAL" + "".join(secrets.choice(letters) for _ in range(15))  # moto reads keys of 20 such characters only
    return Address(pid, created, 0, 0, key, secrets.token_urlsafe(30))

"""A laptop to try commands on: a folder to work in and a shell's environment, nothing of the user's in either."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "examples" / "digits_classifier"
PREDICTIONS = [6.0, 9.0, 3.0, 7.0, 2.0]  # of the example's samples, as in the source document


@dataclass(frozen=True)
class Laptop:
    """Programs started here end before the test goes on, but for the local AWS."""

    folder: Path
    variables: dict[str, str]

    def run(self, *argv: str, code: int = 0, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run a program to its end without a terminal; fails the test when the exit code is another."""
        ended = subprocess.run(
            argv,
            cwd=cwd or self.folder,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert ended.returncode == code, f"{argv} ended with {ended.returncode}\n{ended.stdout}\n{ended.stderr}"
        return ended

    def deployer(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, "-m", "deployer", *arguments, code=code)

    def deployer_json(self, *arguments: str, code: int = 0) -> Any:
        """The one JSON document that a command puts on standard output."""
        return json.loads(self.deployer(*arguments, "--output", "json", code=code).stdout)

    def functions(self) -> Any:
        """boto3's client for Lambda, on the local AWS."""
        import boto3

        user, _, password = self.deployer("local", "credentials").stdout.strip().partition(":")
        endpoint = self.deployer_json("local", "status")["endpoint"]
        return boto3.client(
            "lambda", "us-east-1", endpoint_url=endpoint, aws_access_key_id=user, aws_secret_access_key=password
        )

    def descriptions(self, function: str) -> list[str]:
        """What ListVersionsByFunction of the local AWS says of each published version, the first one first."""
        versions = self.functions().list_versions_by_function(FunctionName=function)["Versions"]
        return [version["Description"] for version in versions if version["Version"] != "$LATEST"]

"""The printed curl line in a real shell."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from deployer.stages.curl import Signing, curl_command
from deployer.targets import Environment


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("", ["--aws-sigv4", "aws:amz:eu-west-1:lambda", "--user", "AKIA1:s3 cr$t"]),
        ("to ken", ["--user", "AKIA1:s3 cr$t", "-H", "x-amz-security-token: to ken"]),
    ],
)
def test_a_signed_line_takes_the_shells_credentials(tmp_path: Path, token: str, words: list[str]) -> None:
    """No secret is in the line; a shell fills them in, and the token's header only where there is a token."""
    signing = Signing("eu-west-1", Environment("aws", "eu-west-1").curl_credentials)
    url = "https://x.lambda-url.eu-west-1.on.aws/predict"
    line = curl_command(url, samples=tmp_path / "s.json", cwd=tmp_path, signing=signing)
    assert "s3 cr$t" not in line
    shell = shutil.which("sh")
    assert shell is not None
    variables = {"AWS_ACCESS_KEY_ID": "AKIA1", "AWS_SECRET_ACCESS_KEY": "s3 cr$t", "AWS_SESSION_TOKEN": token}
    script = f'curl() {{ for word; do printf "%s\\n" "$word"; done; }}; {line}'
    seen = subprocess.run([shell, "-c", script], env=variables, capture_output=True, text=True, check=True)
    assert seen.stdout.splitlines()[-len(words) :] == words

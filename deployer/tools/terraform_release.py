"""Fetches the pinned terraform release into deployer's cache, verified against that release's own SHA256SUMS.

`python -m deployer.tools.terraform_release` prints the path of a terraform that can be used, fetching one if need be.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import urllib.request
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import urllib3

from deployer.errors import DeployerError
from deployer.tools.process import Runner
from deployer.tools.terraform_binary import VERSION, cached_binary, find_terraform, platform_name

BASE_URL = "https://releases.hashicorp.com/terraform"
PLATFORMS = ("linux_amd64", "linux_arm64", "darwin_amd64", "darwin_arm64")

_CHUNK = 1 << 20
_TIMEOUT = urllib3.Timeout(connect=15.0, read=60.0)


def main() -> int:
    try:
        print(find_or_fetch(os.environ))
    except DeployerError as error:
        print(f"{error.message}\n{error.hint}".strip(), file=sys.stderr)
        return error.exit_code
    return 0


def find_or_fetch(variables: Mapping[str, str], *, runner: Runner | None = None, base_url: str = BASE_URL) -> Path:
    """A terraform that deployer can use: the user's own where it is new enough, else the pinned release."""
    try:
        return find_terraform(variables, runner=runner)
    except DeployerError:
        return fetch(base_url=base_url)


def fetch(*, base_url: str = BASE_URL, platform: str | None = None, binary: Path | None = None) -> Path:
    """Download, verify and unpack the pinned release; `binary` (default: in the cache) appears whole or not at all.

    Raises DeployerError when the platform is not released, the download fails, or its digest is not the listed one.
    """
    platform = platform or platform_name()
    if platform not in PLATFORMS:
        raise DeployerError(
            f"terraform {VERSION} is fetched for {', '.join(PLATFORMS)} only; this machine is {platform}.",
            hint="Install terraform 1.5 or newer so that it is on PATH.",
        )
    archive = f"terraform_{VERSION}_{platform}.zip"
    expected = _listed_digest(f"{base_url}/{VERSION}/terraform_{VERSION}_SHA256SUMS", archive)
    target = binary or cached_binary()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=target.parent) as scratch:
        downloaded = Path(scratch) / archive
        with downloaded.open("wb") as file:
            actual = _download(f"{base_url}/{VERSION}/{archive}", file)
        if actual != expected:
            raise DeployerError(
                f"{archive} has the SHA-256 {actual}, its release lists {expected}: it is not used.",
                hint="Run the command again; if it stays so, something between here and the release alters it.",
            )
        _unpack(downloaded, target)
    return target


def _listed_digest(url: str, archive: str) -> str:
    with tempfile.TemporaryFile() as file:
        _download(url, file)
        file.seek(0)
        lines = file.read().decode("utf-8", "replace").splitlines()
    listed = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    if archive not in listed:
        raise DeployerError(
            f"{url} does not list {archive}.", hint="Install terraform 1.5 or newer so that it is on PATH."
        )
    return listed[archive].lower()


def _download(url: str, file: IO[bytes]) -> str:
    """Write what is at `url` to `file`; its SHA-256 in hexadecimal. A cut connection is an error, not a short file."""
    digest = hashlib.sha256()
    try:
        with _pool(url).request("GET", url, preload_content=False, timeout=_TIMEOUT, retries=3) as response:
            if response.status != 200:
                raise DeployerError(f"{url} answered {response.status}.", hint=_OTHER_WAY)
            for chunk in response.stream(_CHUNK):
                digest.update(chunk)
                file.write(chunk)
    except urllib3.exceptions.HTTPError as error:
        raise DeployerError(f"terraform could not be fetched from {url}: {error}.", hint=_OTHER_WAY) from error
    return digest.hexdigest()


def _pool(url: str) -> urllib3.PoolManager:
    """Through the proxy of the environment where it has one for this address."""
    parts = urllib3.util.parse_url(url)
    proxy = urllib.request.getproxies().get(parts.scheme or "")
    if proxy and not urllib.request.proxy_bypass(parts.host or ""):
        return urllib3.ProxyManager(proxy)
    return urllib3.PoolManager()


def _unpack(archive: Path, target: Path) -> None:
    """Only the one file `terraform` of the archive, under its final name in one step."""
    unpacked = archive.with_name("terraform")
    with zipfile.ZipFile(archive) as files:
        if "terraform" not in files.namelist():
            raise DeployerError(f"{archive.name} holds no file named terraform: it is not used.", hint=_OTHER_WAY)
        with files.open("terraform") as source, unpacked.open("wb") as copy:
            while chunk := source.read(_CHUNK):
                copy.write(chunk)
    unpacked.chmod(0o755)
    unpacked.replace(target)


_OTHER_WAY = "Check the network and run the command again, or install terraform 1.5 or newer so that it is on PATH."

if __name__ == "__main__":
    sys.exit(main())

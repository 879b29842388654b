"""Resolve the packages of each BentoML line anew into `locks/`: `python tests/corpus/lock.py [VERSION …]`.

A list names one version of each package for Python 3.11 on Linux, and the hashes of the wheels that fit there: no more,
or each list would be ten times as long. Needs a package index; a list that is there is made anew altogether.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import uv

if sys.version_info < (3, 11):
    raise SystemExit("Python 3.11 or newer is needed.")
import tomllib

LOCKS = Path(__file__).with_name("locks")
ALWAYS = ("numpy", "pandas", "pillow")
# What an old BentoML needs beside it is in deployer/image/requirements.py too: newer releases break it.
LINES: dict[str, tuple[str, ...]] = {
    "1.0.25": ("setuptools<82", "cattrs==23.1.2", "pydantic<2"),
    "1.1.11": ("setuptools<82", "pydantic"),
    "1.2.20": ("setuptools<82", "pydantic<2.9"),
    "1.3.22": ("setuptools<82",),
    "1.4.0": ("setuptools<82",),
    "1.4.19": ("setuptools<82",),
    "1.4.39": ("scikit-learn",),
}
FITS = re.compile(r"-(cp311-cp311|cp3\d+-abi3|py3|py2\.py3)[^-]*-.*?(any|manylinux[^-]*(x86_64|aarch64))\.whl$")


def lock(version: str) -> None:
    """Write the list of one line."""
    with tempfile.TemporaryDirectory() as folder:
        wanted, found = Path(folder, "wanted.txt"), Path(folder, "pylock.toml")
        wanted.write_text("\n".join([f"bentoml=={version}", *ALWAYS, *LINES[version]]), "utf-8")
        platform = ["--python-version", "3.11", "--python-platform", "x86_64-manylinux_2_28"]
        options = ["--only-binary", ":all:", "--quiet", "--output-file", str(found)]
        subprocess.run([uv.find_uv_bin(), "pip", "compile", str(wanted), *platform, *options], check=True)
        packages = tomllib.loads(found.read_text("utf-8"))["packages"]
    LOCKS.joinpath(f"{version}.txt").write_text("".join(map(_entry, packages)), "utf-8")


def _entry(package: dict[str, Any]) -> str:
    hashes = sorted(
        wheel["hashes"]["sha256"] for wheel in package["wheels"] if FITS.search(wheel.get("name") or wheel["url"])
    )
    if not hashes:
        raise SystemExit(f"{package['name']} {package['version']} has no wheel for Python 3.11 on Linux.")
    return (
        " \\\n    ".join([f"{package['name']}=={package['version']}", *(f"--hash=sha256:{one}" for one in hashes)])
        + "\n"
    )


if __name__ == "__main__":
    for line in sys.argv[1:] or LINES:
        lock(line)

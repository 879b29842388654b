"""A whole Bento in a few kilobytes for the image builder: its packages are two wheels that it carries itself."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import yaml

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


def write(folder: Path, *, python: str = PYTHON, weights: bytes = b"weights") -> Path:
    """A Bento folder `tiny:v1` with the model `m:1` inside, as the builder gets it."""
    wheels, model = folder / "env" / "python" / "wheels", folder / "models" / "m" / "1"
    for part in (wheels, model, folder / "src"):
        part.mkdir(parents=True, mode=0o700)
    named = {"name": "tiny", "version": "v1", "bentoml_version": "1.4.39", "service": "service:Tiny"}
    described = {"image": {"python_version": python}, "services": [{"name": "Tiny", "models": [{"tag": "m:1"}]}]}
    (folder / "bento.yaml").write_text(yaml.safe_dump({**named, **described}), "utf-8")
    (folder / "src" / "service.py").write_text("import tiny\n", "utf-8")
    names = [write_wheel(wheels, "bentoml", "1.4.39"), write_wheel(wheels, "tiny", "1.0")]
    (wheels.parent / "requirements.txt").write_text("".join(f"./wheels/{name}\n" for name in names), "utf-8")
    (model / "weights.bin").write_bytes(weights)
    (model.parent / "latest").write_text("1", "utf-8")
    return folder


def write_wheel(folder: Path, name: str, version: str) -> str:
    """A wheel of one module with a test suite; the name of its file."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": f"__version__ = '{version}'\ndef value():\n    return 42\n",
        f"{name}/tests/__init__.py": "",
        f"{name}/tests/test_value.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{name} = {name}:value\n",
        f"{info}/RECORD": "",
    }
    with zipfile.ZipFile(path, "w") as wheel:
        for file, content in files.items():
            wheel.writestr(zipfile.ZipInfo(file), content)
    return path.name

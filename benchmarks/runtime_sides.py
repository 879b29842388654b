"""What is compared, all from the same image: only the handler differs, and for `bentoml serve` the command.

The image is the one that deployer builds of the digits Bento; the other handlers lie in a folder beside its layers.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.digits import EXAMPLE
from deployer.image.build import Builder, default_cache
from deployer.image.rebased import Launch, rebased
from deployer.image.unpacked import unpack
from deployer.tools.oci_layout import Layout, read_layout, variables_of
from deployer.tools.process import Processes
from deployer.tools.python_interpreter import Interpreter, describe, find_python

FLOOR, OURS, UPSTREAM, SERVE, NULL = "floor", "ours", "upstream", "serve", "null"
SIDES = (FLOOR, OURS, UPSTREAM, SERVE, NULL)  # in the order of a round
HANDLERS = {FLOOR: "floor.handle", UPSTREAM: "upstream.handle", NULL: "null.handle"}
SOURCES = Path(__file__).parent / "runtime"
PREDICTIONS = [6.0, 9.0, 3.0, 7.0, 2.0]  # of the example's samples
SAMPLES = (EXAMPLE / "data" / "sample_features.json").read_bytes()
MEMORY = 1769  # MB: where Lambda gives one whole CPU


@dataclass(frozen=True)
class Image:
    """An image's layers on disk, its settings, the host's Python of its version, and the folder of other handlers."""

    layout: Layout
    root: Path
    config: dict[str, Any]
    python: Interpreter
    handlers: Path

    @property
    def bento(self) -> Path:
        return self.root / self.variables["BENTO_PATH"].lstrip("/")

    @property
    def variables(self) -> dict[str, str]:
        return variables_of(self.config)

    def handler(self, side: str) -> str:
        """What `awslambdaric` is to import; ours is the image's own command."""
        return HANDLERS.get(side) or str(self.config["Cmd"][0])


def make_image(context: Path, scratch: Path, *, base: str = "none") -> Layout:
    """The image of the staged Bento in `context`, in a layout of its own."""
    layout = scratch / f"layout-{'based' if base != 'none' else 'alone'}"
    Builder(Processes(), os.environ, default_cache(), lambda line: None, base=base).build(context, layout=layout)
    return read_layout(layout)


def unpacked_image(layout: Layout, scratch: Path) -> Image:
    """Raises RuntimeError when the host has no Python of the image's version, or the image has no bytecode for it."""
    document = json.loads(layout.path(layout.blobs[-1]).read_bytes())
    config: dict[str, Any] = document["config"]
    minor = config["Labels"]["deployer.python"]
    found = find_python(minor, runner=Processes(), variables=os.environ)
    if found is None:
        raise RuntimeError(f"this machine has no Python {minor}, with which the image's bytecode is made")
    python = describe(found, runner=Processes())
    root = scratch / "root"
    unpack([layout.path(blob) for blob in layout.blobs[:-1]], root)
    return Image(layout, root, config, python, _handlers(scratch / "handlers", python))


def launch(image: Image, side: str, *, tmp: Path, address: str, options: tuple[str, ...] = ()) -> Launch:
    """A process on the host. `address` is of the Runtime API, or where `bentoml serve` is to listen.

    -S and -s keep the host's own packages out; `options` are further ones of Python.
    """
    program = (str(image.python.executable), "-S", "-s", *options)
    variables = rebased(image.variables, root=image.root, tmp=tmp)
    own = {"TMPDIR": str(tmp), "PYTHONDONTWRITEBYTECODE": "1"}
    directory = image.root / image.config["WorkingDir"].lstrip("/")
    if side == SERVE:
        argv = (*program, "-m", "bentoml", "serve", str(image.bento), *_listen(address))
        return Launch(argv, {**variables, **own}, directory)
    handler = image.handler(side)
    path = f"{variables['PYTHONPATH']}:{image.handlers}"
    argv = (*program, "-m", "awslambdaric", handler)
    return Launch(argv, {**variables, **own, "PYTHONPATH": path, **lambda_variables(handler, api=address)}, directory)


def _listen(address: str) -> tuple[str, ...]:
    host, _, port = address.rpartition(":")
    return ("--host", host, "--port", port)


def lambda_variables(handler: str, *, api: str) -> dict[str, str]:
    """What Lambda itself sets and libraries look at."""
    return {
        "_HANDLER": handler,
        "AWS_LAMBDA_RUNTIME_API": api,
        "AWS_LAMBDA_FUNCTION_NAME": "digits",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(MEMORY),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/digits",
        "AWS_LAMBDA_LOG_STREAM_NAME": "benchmark",
        "AWS_REGION": "us-east-1",
        "TZ": ":UTC",
    }


def event() -> bytes:
    """A function URL's event, payload version 2.0, with the example's samples as its body."""
    http = {"method": "POST", "path": "/predict", "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7", "userAgent": "x"}
    document = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/predict",
        "rawQueryString": "",
        "headers": {"host": "digits.test", "content-type": "application/json", "x-forwarded-proto": "https"},
        "requestContext": {
            "domainName": "digits.test",
            "http": http,
            "requestId": "3f1c2f0e-0000-4000-8000-000000000000",
            "routeKey": "$default",
            "stage": "$default",
            "timeEpoch": 1795348800000,
        },
        "body": SAMPLES.decode(),
        "isBase64Encoded": False,
    }
    return json.dumps(document).encode()


def check(side: str, status: int, body: str) -> None:
    """A wrong answer in no time is no answer. Raises RuntimeError."""
    expected = [] if side == NULL else PREDICTIONS
    if status != 200 or json.loads(body) != expected:
        raise RuntimeError(f"{side} answered {status}: {body[:500]}")


def check_event_answer(side: str, answer: bytes) -> None:
    """The same for what a handler returns."""
    document = json.loads(answer)
    check(side, document.get("statusCode", 0), str(document.get("body", answer[:500])))


def _handlers(folder: Path, python: Interpreter) -> Path:
    """The other handlers with bytecode, as the image's own has it."""
    shutil.copytree(SOURCES, folder, ignore=shutil.ignore_patterns("__pycache__"))
    argv = [str(python.executable), "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", str(folder)]
    subprocess.run(argv, check=True, capture_output=True)
    for path in (folder, *folder.rglob("*")):  # Lambda's user is to read them
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder

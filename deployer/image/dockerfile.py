"""The Dockerfile of `builder: docker`: layers, handler and settings of the image that is built without Docker.

Each layer of ours is a shell command whose name ($0) is `deployer: TITLE`: the history and error lines show it.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from deployer import __version__
from deployer.errors import DeployerError
from deployer.image import docker_context, pip_settings, requirements
from deployer.image.build import HOME
from deployer.image.bytecode import NOT_COMPILED
from deployer.image.docker_context import HANDLER, REQUIREMENTS, SCRIPTS, SERVICE
from deployer.image.manifest import FIXED, RUNTIME_ENVIRONMENT
from deployer.image.python_layers import DEPENDENCIES
from deployer.image.requirements import Requirements
from deployer.models import Bento
from deployer.tools.base_image import DEFAULT_BASE
from deployer.tools.bento_document import read_bento
from deployer.tools.oci_layout import BASE_NAME

BENTO = f"/{HOME}"
PACKAGES, OURS = f"/{DEPENDENCIES}", "/opt/deployer"
BOUND, WHEELS = "/tmp/deployer", "/tmp/deployer-python"  # noqa: S108  where a build step sees the context's folders
_SECRETS = "--mount=type=secret,id=pip --mount=type=secret,id=ca"
_PIP_CACHE = "--mount=type=cache,target=/var/cache/deployer-pip"
_PIP = "env PIP_CONFIG_FILE=/run/secrets/pip PIP_CACHE_DIR=/var/cache/deployer-pip PIP_ROOT_USER_ACTION=ignore"

Say = Callable[[str], None]


@dataclass(frozen=True)
class DockerContext:
    """Where the Dockerfile was put, and the reference of the image that it builds on."""

    dockerfile: Path
    base: str


def write_docker_context(
    context: Path, *, base: str, secrets: Path, variables: Mapping[str, str], say: Say
) -> DockerContext:
    """Arrange the staged Bento in `context` for Docker and write `env/docker/Dockerfile`; pip's settings to `secrets`.

    `base` is an image reference; empty or `none` is the default of the Bento's Python. `variables` are the user's.
    """
    bento = read_bento(context, models=None)
    file = context / docker_context.DOCKERFILE
    base = DEFAULT_BASE.format(python=bento.python_version) if base in ("", "none") else base
    wanted = requirements.read(bento, wheels_only=False)
    pip_settings.write(secrets, wanted, variables, say)
    docker_context.write_handler(context)
    if bento.demands.own_dockerfile:
        say("the Bento's own Dockerfile is used; the handler is put on top of it")
        docker_context.make_readable(context)
        lines = _on_own_dockerfile(bento, file)
        base = _base_of(file)
    else:
        models = docker_context.arrange(context)
        docker_context.write_requirements(context, wanted)
        (context / SERVICE / HANDLER).rename(context / HANDLER)
        lines = [*_plain(bento, base, models, _dependencies(bento, wanted))]
    file.write_text("\n".join(lines) + "\n", "utf-8")
    return DockerContext(file, base)


def _plain(bento: Bento, base: str, models: list[str], dependencies: str) -> Iterator[str]:
    """The whole Dockerfile of a Bento that leaves it to us."""
    early = {"PYTHONPATH": f"{PACKAGES}:{OURS}", "BENTO_PATH": BENTO}
    yield f"FROM {base}"
    yield "USER root"
    yield _environment({**_own_variables(bento), **early})
    yield from _preparation(bento)
    yield dependencies
    yield from _afterwards(bento)
    yield from (f"COPY models/{name} {BENTO}/models/{name}" for name in models)
    yield _run("service", f"set -e\nmkdir -p {BENTO}\ncp -R {BOUND}/. {BENTO}/\n{_compile(BENTO)}", SERVICE)
    yield _run("handler", _handler(), HANDLER, f"{_SECRETS} {_PIP_CACHE}")
    yield from _settings(bento, {name: value for name, value in RUNTIME_ENVIRONMENT.items() if name != "PATH"}, base)


def _on_own_dockerfile(bento: Bento, file: Path) -> list[str]:
    """The Bento's own Dockerfile, then the handler; its PATH leads to the Python that it has installed into."""
    if not file.is_file():
        raise DeployerError(
            f"Bento {bento.tag} needs its own Dockerfile, and {docker_context.DOCKERFILE} is not in it.",
            hint="Build the Bento again with `bentoml build`.",
        )
    kept = {**RUNTIME_ENVIRONMENT, "PYTHONPATH": OURS}
    reachable = f"chmod a+rx {Path(BENTO).parent} {BENTO}"  # of a home that `useradd -m` made for one user
    return [
        file.read_text("utf-8"),
        "USER root",
        _run("handler", f"{_handler()}\n{reachable}", HANDLER, f"{_SECRETS} {_PIP_CACHE}"),
        *_settings(bento, {name: value for name, value in kept.items() if name != "PATH"}, _base_of(file)),
    ]


def _preparation(bento: Bento) -> Iterator[str]:
    """System packages and shell commands, before the Python packages as in BentoML's own images."""
    if bento.demands.apt:
        packages = shlex.join(bento.demands.apt)
        install = f"apt-get install -q -y --no-install-recommends {packages}"
        lists = "rm -rf /var/lib/apt/lists/*"
        yield _run(
            "system packages", f"set -e\nexport DEBIAN_FRONTEND=noninteractive\napt-get update -q\n{install}\n{lists}"
        )
    yield from (_command(title, command) for title, command in _titled("command", bento.demands.commands))


def _afterwards(bento: Bento) -> Iterator[str]:
    """What may use the Python packages: BentoML runs both after it has installed them."""
    yield from (_command(title, command) for title, command in _titled("later command", bento.demands.post_commands))
    if bento.demands.setup_script:
        yield _command("setup script", f"./{SCRIPTS}/setup_script")


def _titled(word: str, commands: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(f"{word} {number}", command) for number, command in enumerate(commands, start=1)]


def _command(title: str, command: str) -> str:
    """One of the Bento's, in the Bento's folder with its `env/docker` there: scripts of its own are in that."""
    bound = f"--mount=type=bind,source={SERVICE}/{SCRIPTS},target={BENTO}/{SCRIPTS} "
    return _run(title, f"cd {BENTO} || exit 1\n{command}", mounts=bound)


def _dependencies(bento: Bento, wanted: Requirements) -> str:
    major, minor = bento.python_version.split(".")
    found = f"import sys; sys.exit(sys.version_info[:2] != ({major}, {minor}))"
    told = f"The base image's python3 is not Python {bento.python_version}, for which the Bento was built."
    asked = f"{' --pre' if wanted.prereleases else ''}{' --no-index' if wanted.no_index else ''}"
    options = f"--no-compile --target {PACKAGES}{asked}"
    lines = (
        "set -e",
        f"python3 -c {shlex.quote(found)} || {{ echo {shlex.quote(told)}; python3 --version; exit 1; }}",
        f"if [ -d {WHEELS} ]; then cd {WHEELS}; fi",
        f"{_PIP} python3 -I -m pip install {options} -r {BOUND}/requirements.txt -c {BOUND}/constraints.txt",
        f"python3 -I -m pip freeze --path {PACKAGES} > {PACKAGES}/requirements.txt",
        _compile(PACKAGES),
    )
    return _run("dependencies", "\n".join(lines), REQUIREMENTS, f"{_wheels(bento)}{_SECRETS} {_PIP_CACHE}")


def _handler() -> str:
    """Where `python3` is a virtual environment without pip (uv makes them so), another pip installs for it."""
    pip = 'python3 -I -m pip --version > /dev/null 2>&1 && pip="python3 -I -m pip" || pip="pip --python python3"'
    options = f"--no-compile --require-hashes --target {OURS} -r {BOUND}/runtime.txt"
    return f"set -e\n{pip}\n{_PIP} $pip install {options}\ncp -R {BOUND}/deployer_runtime {OURS}/\n{_compile(OURS)}"


def _compile(folder: str) -> str:
    """Files that do not compile are left as they are."""
    options = f"-q -q -j 0 --invalidation-mode unchecked-hash -x {shlex.quote(NOT_COMPILED)}"
    return f"PYTHONHASHSEED=0 python3 -m compileall {options} {folder} || true"


def _run(title: str, script: str, source: str = "", mounts: str = "") -> str:
    """A layer made by a shell script that sees the context's folder `source` under BOUND."""
    bound = f"--mount=type=bind,source={source},target={BOUND} " if source else ""
    return f"RUN {bound}{mounts} " + _json(["/bin/sh", "-c", script, f"deployer: {title}"])


def _wheels(bento: Bento) -> str:
    """The mount of the folder that lines such as `./wheels/NAME` are relative to."""
    folder = bento.requirements_home.relative_to(bento.path)
    return f"--mount=type=bind,source={SERVICE}/{folder},target={WHEELS} "


def _settings(bento: Bento, variables: Mapping[str, str], base: str) -> Iterator[str]:
    labels = {
        "com.amazonaws.lambda.feature.snapstart": "Allow",
        "deployer.bento": str(bento.tag),
        "deployer.python": bento.python_version,
        "deployer.version": __version__,
        BASE_NAME: base,
    }
    yield _environment({**variables, **_own_variables(bento)})
    yield f"WORKDIR {BENTO}/src"
    yield "LABEL " + " ".join(f"{name}={_quoted(value)}" for name, value in labels.items())
    yield 'ENTRYPOINT ["python3", "-m", "awslambdaric"]'
    yield 'CMD ["deployer_runtime.handler.handle"]'


def _own_variables(bento: Bento) -> dict[str, str]:
    return {name: value for name, value in sorted(bento.environment.items()) if name not in FIXED}


def _environment(variables: Mapping[str, str]) -> str:
    return "ENV " + " ".join(f"{name}={_quoted(value)}" for name, value in variables.items())


def _quoted(value: str) -> str:
    """A Dockerfile's string: nothing in it is expanded. It has no way to write a line break."""
    if "\n" in value or "\r" in value:
        raise DeployerError(
            "A variable of the Bento has a line break in its value, which a Dockerfile cannot hold.",
            hint="Set it under `env` in the config instead, and leave it out of bentofile.yaml.",
        )
    for character in '\\"$':
        value = value.replace(character, "\\" + character)
    return f'"{value}"'


def _base_of(dockerfile: Path) -> str:
    """What the last stage is built on."""
    words = [line.split() for line in dockerfile.read_text("utf-8").splitlines()]
    froms = [[word for word in line[1:] if not word.startswith("--")] for line in words if line[:1] == ["FROM"]]
    return froms[-1][0] if froms and froms[-1] else ""


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)

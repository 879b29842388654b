"""A Bento folder becomes an OCI image layout, without Docker: each layer is made once and then found in the cache."""

from __future__ import annotations

import platform as host
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from deployer import __version__, directories
from deployer.errors import DeployerError
from deployer.image import archive, manifest, requirements, size_limit
from deployer.image.archive import Tree
from deployer.image.base import Base, pull
from deployer.image.bytecode import Compiler, find_compiler
from deployer.image.layer_cache import Blob, BlobCache
from deployer.image.manifest import TitledBlob
from deployer.image.package_index import PackageIndex
from deployer.image.python_layers import PACKAGE, PythonLayers
from deployer.image.uv import Platform, Uv
from deployer.models import Bento, Layer
from deployer.tools.base_image import DEFAULT_BASE
from deployer.tools.bento_demands import refuse_docker_only
from deployer.tools.bento_document import read_bento
from deployer.tools.oci_layout import BASE_NAME
from deployer.tools.process import Runner
from deployer.tools.python_interpreter import find_uv

MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}
HOME = "home/bentoml/bento"
NO_BASE = "none"
BASE_DIGEST = "org.opencontainers.image.base.digest"
Say = Callable[[str], None]


class PullBase(Protocol):
    """`image.base.pull`; tests hand in a base of their own."""

    def __call__(
        self, reference: str, *, machine: str, cache: BlobCache, variables: Mapping[str, str], say: Say, python: str
    ) -> Base: ...


@dataclass(frozen=True)
class BuiltImage:
    """The digest of the manifest in the layout, and its layers from the bottom up."""

    digest: str
    layers: tuple[Layer, ...]


@dataclass(frozen=True)
class Builder:
    """`variables` are the user's environment: package index settings hold. `cache` may be deleted at any time.

    `base` is an image reference, `none`, or empty for the one that the Bento names, else the default of its Python.
    """

    runner: Runner
    variables: Mapping[str, str]
    cache: BlobCache
    say: Say
    log: Path | None = None
    machine: str = ""  # x86_64 or aarch64; empty: this host's
    base: str = NO_BASE
    pull_base: PullBase = pull

    def build(self, folder: Path, *, layout: Path) -> BuiltImage:
        """Make `layout` the image of the Bento in `folder`, which has its models in `models/`.

        Same Bento, same deployer, same interpreter patch release: same digest, in any folder and with any cache.
        """
        with _disk_errors():
            return self._build(read_bento(folder, models=None), layout)

    def _build(self, bento: Bento, layout: Path) -> BuiltImage:
        manifest.check_place(layout)
        refuse_docker_only(bento)
        for note in bento.demands.notes:
            self.say(note)
        models = list(_models(bento.path))
        code = Tree(bento.path, HOME, without=frozenset({"models"}))
        size_limit.check_files([*models, ("service", code)])
        base = self._base(bento)
        python = self._python_layers(bento)
        asked = requirements.read(bento)
        resolved = python.resolve(asked, home=bento.requirements_home)
        packages = python.dependencies(resolved, asked, home=bento.requirements_home, code=bento.path / "src")
        layers = [self._said("dependencies", packages)]
        layers += [self._folder(title, tree) for title, tree in models]
        layers.append(self._said("service", python.service(code)))
        layers.append(self._said("handler", python.handler(PACKAGE / "runtime")))
        size_limit.check_layers([*(base.layers if base else ()), *layers])
        built = self._write(layout, layers, bento=bento, python=python, resolved=resolved, base=base)
        self.cache.prune()
        return built

    def _base(self, bento: Bento) -> Base | None:
        if self.base == NO_BASE:
            return None
        python = bento.python_version
        reference = self.base or bento.demands.base_image or DEFAULT_BASE.format(python=python)
        return self.pull_base(
            reference,
            machine=self._machine(),
            cache=self.cache,
            variables=self.variables,
            say=self.say,
            python=python,
        )

    def _python_layers(self, bento: Bento) -> PythonLayers:
        compiler = find_compiler(
            bento.python_version,
            runner=self.runner,
            variables=self.variables,
            log=self.log,
            kept=self.cache.bytecode,
        )
        if compiler is None:
            wanted = f"Python {bento.python_version}"
            self.say(f"no {wanted} on this machine: built without bytecode, so cold starts are slower")
        binary = find_uv()
        uv = Uv(binary, self.runner, PackageIndex(binary, self.runner, self.variables, self.say), self.log)
        return PythonLayers(self.cache, uv, Platform(bento.python_version, self._machine()), compiler)

    def _machine(self) -> str:
        asked = self.machine or host.machine()
        if asked.lower() not in MACHINES:
            valid = ", ".join(sorted(set(MACHINES.values())))
            raise DeployerError(f"Lambda runs no {asked} images.", hint=f"Valid machines: {valid}.")
        return MACHINES[asked.lower()]

    def _folder(self, title: str, tree: Tree) -> TitledBlob:
        key = f"folder-{archive.fingerprint(tree)}"
        return self._said(title, self.cache.get(key, lambda writer: archive.write(tree, writer.write)))

    def _said(self, title: str, made: tuple[Blob, bool]) -> TitledBlob:
        blob, cached = made
        self.say(f"layer {title}: {blob.size / 1e6:.1f} MB{' (cached)' if cached else ''}")
        return TitledBlob(title, blob)

    def _write(
        self,
        layout: Path,
        ours: list[TitledBlob],
        *,
        bento: Bento,
        python: PythonLayers,
        resolved: str,
        base: Base | None,
    ) -> BuiltImage:
        architecture = python.platform.architecture
        below = list(base.layers) if base else []
        config = manifest.configuration(
            ours,
            architecture=architecture,
            environment=bento.environment,
            labels=_labels(bento, python.compiler, base),
            below=below,
            base=base.config if base else None,
        )
        layers = [*below, *ours]
        content = manifest.manifest(config, layers)
        blobs = [self.cache.path(layer.blob.digest) for layer in layers]
        manifest.write_layout(
            layout, config=config, manifest=content, architecture=architecture, blobs=blobs, resolved=resolved
        )
        listed = tuple(Layer(layer.title, layer.blob.digest, layer.blob.size) for layer in layers)
        return BuiltImage(manifest.digest_of(content), listed)


def _models(bento: Path) -> Iterator[tuple[str, Tree]]:
    """Each model's title and its folder, versions and `latest` file inside."""
    for folder in sorted((bento / "models").glob("*")):
        if folder.is_dir():
            yield f"model {folder.name}", Tree(folder, f"{HOME}/models/{folder.name}")


def default_cache() -> BlobCache:
    return BlobCache(directories.cache() / "image")


@contextmanager
def _disk_errors() -> Iterator[None]:
    """A full disk or a folder without permission; the cache never keeps an unfinished file under a final name."""
    try:
        yield
    except OSError as error:
        raise DeployerError(
            f"The image could not be built: {error.strerror or error}: {error.filename or 'the cache'}.",
            hint=f"Free space or permissions are needed there and in {directories.cache()}, which may be deleted.",
        ) from error


def _labels(bento: Bento, compiler: Compiler | None, base: Base | None) -> dict[str, str]:
    labels = {
        "deployer.version": __version__,
        "deployer.bento": str(bento.tag),
        "deployer.python": bento.python_version,
        # Without it AWS refuses to publish a version with SnapStart from any base image but its own.
        "com.amazonaws.lambda.feature.snapstart": "Allow",
    }
    if base is not None:
        labels |= {BASE_NAME: base.reference, BASE_DIGEST: base.digest}
    return {**labels, "deployer.python.build": compiler.build} if compiler else labels

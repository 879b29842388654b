"""Lambda's limit: 10 GB unpacked, all layers together, the base image's among them. Found before anything is pushed."""

from __future__ import annotations

from collections.abc import Sequence

from deployer.errors import DeployerError
from deployer.image.archive import Tree, content_size
from deployer.image.manifest import TitledBlob

LIMIT = 10 * 1000**3
NAMED = 3


def check_files(trees: Sequence[tuple[str, Tree]]) -> None:
    """Refuse what is too large already before hours go into compressing it."""
    _check([(title, content_size(tree)) for title, tree in trees])


def check_layers(layers: Sequence[TitledBlob]) -> None:
    _check([(layer.title, layer.blob.unpacked) for layer in layers])


def _check(sizes: Sequence[tuple[str, int]]) -> None:
    total = sum(size for _, size in sizes)
    if total <= LIMIT:
        return
    largest = sorted(sizes, key=lambda pair: pair[1], reverse=True)[:NAMED]
    listed = ", ".join(f"{title} {_gigabytes(size)}" for title, size in largest)
    raise DeployerError(
        f"The image would be {_gigabytes(total)} unpacked, and Lambda takes {_gigabytes(LIMIT)}. Largest: {listed}.",
        hint="Leave out packages or models that the service does not need, take CPU-only builds of packages, "
        "or a smaller model.",
    )


def _gigabytes(size: int) -> str:
    return f"{size / 1000**3:.2f} GB"

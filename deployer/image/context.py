"""What `image build` is pointed at: a Bento folder with its models inside, or a tag of the user's BentoML store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from deployer.errors import BadInput
from deployer.image.layer_cache import BlobCache
from deployer.tools.bento_document import DESCRIPTION
from deployer.tools.bento_staging import stage_context
from deployer.tools.bento_store import BentoStore


@contextmanager
def opened(context: str, *, variables: Mapping[str, str], cache: BlobCache) -> Iterator[Path]:
    """The folder to build from. A Bento of the store is staged while the block runs; the store is only read."""
    folder = Path(context)
    if folder.is_dir():
        if not (folder / DESCRIPTION).is_file():
            raise BadInput(
                f"{context} is not a Bento: it has no {DESCRIPTION}.",
                hint="Name a Bento's folder with its models in models/, or a Bento of the store as NAME:VERSION.",
            )
        yield folder.absolute()
        return
    if "/" in context or folder.exists():
        raise BadInput(
            f"{context} is not a folder.",
            hint="Name a Bento's folder with its models in models/, or a Bento of the store as NAME:VERSION.",
        )
    bento = BentoStore.of(variables).get(context)
    with cache.scratch() as scratch:
        stage_context(bento, scratch / "context")
        yield scratch / "context"

"""The image as OCI writes it: configuration, one plain manifest, and the layout folder that holds them.

Lambda takes no index of several platforms, no attestations, gzip layers only and one history entry for each layer.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployer.errors import BadInput
from deployer.files import link_or_copy, replace_file
from deployer.image.layer_cache import Blob
from deployer.tools.oci_layout import OURS

CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
MARKER = "oci-layout"  # the file by which a layout is known
EPOCH = "1970-01-01T00:00:00Z"

# What libraries write goes to Lambda's only writable folder. Most follow HOME (HF_HOME, TORCH_HOME, KERAS_HOME and the
# like): they are not set, since a base image that has models inside names their place so.
RUNTIME_ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
    "PYTHONPATH": "/opt/python:/opt/deployer",
    "BENTO_PATH": "/home/bentoml/bento",
    "HOME": "/tmp",  # noqa: S108
    "TMPDIR": "/tmp",  # noqa: S108
    "XDG_CACHE_HOME": "/tmp/.cache",  # noqa: S108
    "XDG_CONFIG_HOME": "/tmp/.config",  # noqa: S108
    "XDG_DATA_HOME": "/tmp/.local/share",  # noqa: S108
    "BENTOML_HOME": "/tmp/bentoml",  # noqa: S108
    "BENTOML_DO_NOT_TRACK": "True",
    "MPLCONFIGDIR": "/tmp/matplotlib",  # noqa: S108
    "NUMBA_CACHE_DIR": "/tmp/numba",  # noqa: S108
    "JOBLIB_TEMP_FOLDER": "/tmp/joblib",  # noqa: S108
}
# A Bento may set any variable but these: without them the handler does not start.
FIXED = ("PATH", "PYTHONPATH", "BENTO_PATH", "HOME", "BENTOML_HOME")


@dataclass(frozen=True)
class TitledBlob:
    """A layer with the word that `image inspect` and the history show for it."""

    title: str
    blob: Blob


def configuration(
    layers: Sequence[TitledBlob],
    *,
    architecture: str,
    environment: Mapping[str, str],
    labels: Mapping[str, str],
    below: Sequence[TitledBlob] = (),
    base: Mapping[str, Any] | None = None,
) -> bytes:
    """`layers` are ours, on the layers `below` of the image with the configuration `base`, whose user is not taken."""
    under: Mapping[str, Any] = base or {}
    variables = _variables(_settings(under).get("Env") or [], environment)
    variant = {"variant": under["variant"]} if under.get("variant") else {}
    made = [{"created": EPOCH, "created_by": f"{OURS}{layer.title}"} for layer in layers]
    return _json(
        {
            "created": EPOCH,
            "architecture": architecture,
            **variant,
            "os": "linux",
            "config": {
                "Env": [f"{name}={value}" for name, value in variables.items()],
                "Entrypoint": ["python3", "-m", "awslambdaric"],
                "Cmd": ["deployer_runtime.handler.handle"],
                "WorkingDir": "/home/bentoml/bento/src",
                "Labels": dict(sorted(labels.items())),
            },
            "rootfs": {"type": "layers", "diff_ids": [layer.blob.diff_id for layer in (*below, *layers)]},
            "history": [*_history(under, below), *made],
        }
    )


def _settings(image: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = image.get("config") or {}
    return found


def _variables(below: Sequence[str], environment: Mapping[str, str]) -> dict[str, str]:
    """The base's own, then ours and the Bento's over them. Where its programs are, the base knows best."""
    found = dict(entry.partition("=")[::2] for entry in below)
    kept = {"PATH": found["PATH"]} if found.get("PATH") else {}
    own = {name: value for name, value in environment.items() if name not in FIXED}
    return {**found, **RUNTIME_ENVIRONMENT, **kept, **dict(sorted(own.items()))}


def _history(image: Mapping[str, Any], layers: Sequence[TitledBlob]) -> list[Mapping[str, Any]]:
    """The base's entries where they are one for each layer, beside those that made none; else one of ours each."""
    entries: list[Mapping[str, Any]] = list(image.get("history") or [])
    if sum(1 for entry in entries if not entry.get("empty_layer")) == len(layers):
        return entries
    return [{"created": EPOCH, "created_by": layer.title} for layer in layers]


def manifest(config: bytes, layers: Sequence[TitledBlob]) -> bytes:
    return _json(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": _descriptor(CONFIG_TYPE, digest_of(config), len(config)),
            "layers": [_descriptor(LAYER_TYPE, layer.blob.digest, layer.blob.size) for layer in layers],
        }
    )


def check_place(folder: Path) -> None:
    """Raises BadInput for a folder that holds something else: a layout replaces files such as requirements.txt."""
    if not folder.is_dir() or (folder / MARKER).is_file() or not any(folder.iterdir()):
        return
    raise BadInput(
        f"{folder} is not empty and holds no image layout, so nothing was written into it.",
        hint="Name a folder that does not exist yet, or one that `deployer image build` has made.",
    )


def write_layout(
    folder: Path, *, config: bytes, manifest: bytes, architecture: str, blobs: Iterable[Path], resolved: str
) -> None:
    """Fill `folder` so that `index.json`, written last, never names a blob that is not there; old blobs are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(folder / MARKER, _json({"imageLayoutVersion": "1.0.0"}))
    store = folder / "blobs" / "sha256"
    store.mkdir(parents=True, exist_ok=True)
    kept = {_put(store, config), _put(store, manifest), *(_link(path, store / path.name) for path in blobs)}
    platform = {"architecture": architecture, "os": "linux"}
    entry = {**_descriptor(MANIFEST_TYPE, digest_of(manifest), len(manifest)), "platform": platform}
    replace_file(folder / "requirements.txt", resolved)
    replace_file(folder / "index.json", _json({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [entry]}))
    for path in store.iterdir():
        if path.name not in kept:
            path.unlink()


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _descriptor(media_type: str, digest: str, size: int) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest, "size": size}


def _put(store: Path, content: bytes) -> str:
    name = digest_of(content).removeprefix("sha256:")
    replace_file(store / name, content)
    return name


def _link(source: Path, target: Path) -> str:
    if not target.exists():
        unfinished = target.with_suffix(".new")
        unfinished.unlink(missing_ok=True)
        link_or_copy(source, unfinished)
        unfinished.replace(target)
    return target.name


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogateescape")

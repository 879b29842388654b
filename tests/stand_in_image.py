"""A program that stands for `deployer image build|push`, without installing packages: one manifest, put into ECR.

Its first argument is a folder for what it saw: the build's context, and the environment of each command.
`fail-build`, `fail-push` or `wait` as a file in that folder make it fail or wait to be interrupted.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import time
from pathlib import Path

import boto3


def build(seen: Path, context: Path, layout: Path) -> None:
    shutil.copytree(context, seen / "context", dirs_exist_ok=True)
    files = sorted(path for path in context.rglob("*") if path.is_file())
    content = hashlib.sha256(b"".join(str(path.relative_to(context)).encode() + path.read_bytes() for path in files))
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", "size": 1, "digest": f"sha256:{'0' * 64}"}
    layer = {
        "mediaType": "application/vnd.oci.image.layer.v1.tar",
        "size": 1,
        "digest": f"sha256:{content.hexdigest()}",
    }
    kind = "application/vnd.oci.image.manifest.v1+json"
    text = json.dumps({"schemaVersion": 2, "mediaType": kind, "config": config, "layers": [layer]})
    digest = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    layout.mkdir(parents=True, exist_ok=True)
    (layout / "manifest.json").write_text(text)
    (layout / "index.json").write_text(json.dumps({"manifests": [{"digest": digest}]}))
    print(json.dumps({"digest": digest, "layers": [{"title": "all", "digest": layer["digest"], "size": 1}]}))


def push(layout: Path, target: str, or_tag: str) -> None:
    """Under the first of the two tags that has this image or none: the repository's tags are immutable."""
    repository, _, tag = target.rpartition(":")
    host, _, name = repository.partition("/")
    text = (layout / "manifest.json").read_text()
    digest = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    ecr = boto3.client("ecr", region_name=host.split(".")[3])
    for name_of_image in (tag, or_tag):
        known = ecr.batch_get_image(repositoryName=name, imageIds=[{"imageTag": name_of_image}])["images"]
        there = [image["imageId"]["imageDigest"] for image in known]
        if not there:
            ecr.put_image(repositoryName=name, imageManifest=text, imageTag=name_of_image, imageDigest=digest)
        if there in ([], [digest]):
            break
    print(json.dumps({"digest": digest, "pushed": [] if there else [digest], "tag": name_of_image}))


def main() -> None:
    seen, verb, arguments = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    (seen / f"{verb}.environment").write_text(json.dumps(dict(os.environ)))
    print(f"{verb}: started", file=sys.stderr, flush=True)
    if (seen / f"fail-{verb}").exists():
        sys.exit(f"Error: the {verb} was told to fail [/x]")
    if (seen / "wait").exists():
        wait(seen)
    if verb == "build":
        build(seen, Path(arguments[0]), Path(arguments[2]))
    else:
        push(Path(arguments[0]), arguments[1], arguments[arguments.index("--or-tag") + 1])


def wait(seen: Path) -> None:
    (seen / "waiting").write_text(str(os.getpid()))
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        (seen / "interrupted").touch()
        raise


if __name__ == "__main__":
    main()

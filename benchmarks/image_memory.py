"""What memory building and pushing a Bento with a large model takes: of the process itself, its children apart.

Measured in a process of its own: python -m benchmarks.image_memory CONTEXT CACHE LAYOUT REGISTRY_URL BASE
"""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import digits, memory
from benchmarks.image_oci import NAME, DockerFree, builder
from benchmarks.registry_process import Registry

SPACE = 4  # times its size: the model, its layer, what the registry takes in, and some


def measure(side: DockerFree, registry: Registry, *, size: int) -> dict[str, Any]:
    """The figures; or why there are none."""
    if shutil.disk_usage(side.context).free < SPACE * size:
        return {"skipped": f"less than {SPACE * size / 1e9:.0f} GB are free"}
    registry.fresh()
    file = digits.add_large_file(side.context, size)
    try:
        argv = [sys.executable, "-m", "benchmarks.image_memory", *side.for_another_process()]
        ended = subprocess.run(argv, capture_output=True, text=True, check=False)
        if ended.returncode != 0:
            raise RuntimeError(ended.stderr[-3000:])
        figures: dict[str, Any] = json.loads(ended.stdout)
        return {"model_bytes": size, **figures}
    finally:
        file.unlink()


def main(context: str, cache: str, layout: str, url: str, base: str) -> None:
    from deployer.tools.registry import Registry as Target

    started = time.perf_counter()
    builder(Path(cache), base=base).build(Path(context), layout=Path(layout))
    built, built_mb = time.perf_counter(), memory.peak_mb()
    memory.reset_peak()
    Target(url, repository=NAME).push(Path(layout), tag="large")
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e6
    figures = {
        "build_s": round(built - started, 3),
        "push_s": round(time.perf_counter() - built, 3),
        "build_peak_mb": built_mb,
        "push_peak_mb": memory.peak_mb(),
        "largest_child_mb": round(children, 1),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main(*sys.argv[1:])

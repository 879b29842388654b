"""What the installed providers can express: the names of each resource's attributes and blocks.

`terraform providers schema -json` takes 7 s of CPU and says 13 MB for the AWS provider, so its names are kept in
deployer's cache under the providers' names, versions and hashes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from deployer.files import replace_file

Names = Mapping[str, "list[str]"]  # of the attributes and blocks, by resource type


def names_of(schema: Mapping[str, Any]) -> Names:
    """From the document of `terraform providers schema -json` ("Providers Schema Representation")."""
    return {
        resource: sorted({*described["block"].get("attributes", ()), *described["block"].get("block_types", ())})
        for provider in schema.get("provider_schemas", {}).values()
        for resource, described in provider.get("resource_schemas", {}).items()
    }


def kept_names(cache: Path, *, lock: str, ask: Callable[[], str]) -> Names:
    """The names for the providers of a lock file's text; `ask` gives the schema where they are not known yet."""
    file = cache / f"{hashlib.sha256(lock.encode()).hexdigest()}.json"
    with suppress(OSError, ValueError):
        known: Names = json.loads(file.read_text(encoding="utf-8"))
        return known
    names = names_of(json.loads(ask()))
    with suppress(OSError):  # a cache that cannot be written costs the next run its time, nothing else
        cache.mkdir(parents=True, exist_ok=True)
        replace_file(file, json.dumps(names, separators=(",", ":")))
    return names

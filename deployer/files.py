"""How files come into being: whole or not at all, where the disk allows it as links; and when one was last of use."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path


def replace_file(path: Path, content: str | bytes, *, private: bool = False, durable: bool = False) -> None:
    """Put `content` (text as UTF-8) in place of a file in one step: a reader sees the old one or the new one.

    `private`: its owner alone may read it, at no moment anybody else. `durable`: it survives a loss of power too.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    temporary.unlink(missing_ok=True)
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o666)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if durable:
                os.fsync(descriptor)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def link_or_copy(source: str | Path, target: str | Path) -> None:
    """A hard link, or a copy where the file system or the file's owner allows none. A symlink stays one."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


def used(path: Path) -> bool:
    """Whether it is there; its time then says that it was used now. Unlike `touch`, this never makes an empty file."""
    with suppress(OSError):
        os.utime(path)
        return True
    return False


def days_unused(path: Path, *, now: float) -> float:
    """Since it was written or `used`; 0 for what another process has just removed. `now`: epoch seconds."""
    try:
        return (now - path.lstat().st_mtime) / 86400
    except OSError:
        return 0.0

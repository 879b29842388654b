"""What ends a run early, as an exit code and a few lines on standard error. A traceback is never shown."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
import tempfile
import traceback
from contextlib import suppress
from pathlib import Path
from types import FrameType

import click

from deployer import __version__
from deployer.errors import DeployerError, Interrupted

STOPPING = b"\nStopping what runs; press Ctrl-C again to stop it at once.\n"
OF_THE_MACHINE = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.EMFILE, errno.ENFILE}
)


def treat_signals_as_ctrl_c() -> None:
    """Ctrl-C says what it does. A lost terminal and a wish to end are the same: children must not be orphaned."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):  # not under nohup
            signal.signal(number, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    with suppress(OSError):
        os.write(2, STOPPING)
    raise KeyboardInterrupt


def show_every_character() -> None:
    """A name that the terminal's encoding lacks is shown escaped, in a result too: it is no reason to fail."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def report(error: BaseException) -> int:
    """Show what failed; the exit code that the README promises for it."""
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, click.ClickException):
        error.show()
        return error.exit_code
    if isinstance(error, KeyboardInterrupt | click.Abort):
        hint = "Run the same command again: it continues from what exists."
        error = Interrupted("Interrupted; everything that deployer had started was stopped.", hint=hint)
    if isinstance(error, BrokenPipeError):
        return _reader_is_gone()
    if isinstance(error, OSError) and error.errno in OF_THE_MACHINE:
        error = _of_the_machine(error)
    if isinstance(error, DeployerError):
        return _show(error)
    _show(_bug(error))
    return 3


def _show(error: DeployerError) -> int:
    from deployer.ui import show_error

    show_error(error)
    return error.exit_code


def _reader_is_gone() -> int:
    """As in `deployer up | head -1`. Python writes what is left when it ends, and must not fail at that."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    return 1


def _of_the_machine(error: OSError) -> DeployerError:
    place = f"{error.filename}: " if error.filename else ""
    return DeployerError(
        f"The system refused: {place}{error.strerror}.",
        hint="See to space and permissions there, then run the same command again: it continues from what exists.",
    )


def _bug(error: BaseException) -> DeployerError:
    summary = traceback.format_exception_only(error)[-1].strip()
    hint = "Please report it with the log; nothing is lost, and the same command may be run again."
    return DeployerError(f"A bug in deployer: {summary}", hint=hint, log=_bug_log(error))


def _bug_log(error: BaseException) -> Path | None:
    """The traceback in a file; None where not even that can be written."""
    text = f"deployer {__version__}, Python {sys.version}\n{''.join(traceback.format_exception(error))}"
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="deployer-bug-", suffix=".log", delete=False, encoding="utf-8", errors="replace"
        ) as log:
            log.write(text)
    except OSError:
        return None
    return Path(log.name)

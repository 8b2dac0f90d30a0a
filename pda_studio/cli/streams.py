"""Standard output and error: closed ones, and lines of libraries that are not for the user."""

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator


def open_closed() -> None:
    """Let streams that are closed lead nowhere, so that no file gets their number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115


@contextlib.contextmanager
def libraries_silenced(wanted: bool = True) -> Iterator[list[str]]:
    """Let nothing reach standard error but what this program writes itself, if that is wanted.

    Libraries in C write to the file with the number 2, whatever Python has as `sys.stderr`:
    meanwhile that number leads nowhere, and `sys.stderr` to where it led before. What libraries
    log or warn of is left out as well.

    Yields
    ------
    list of str
        What this program has logged so far, the first line of each record.
    """
    if not wanted:
        yield []
        return
    handler = logging.NullHandler()  # else the last resort writes to standard error
    logging.getLogger().addHandler(handler)
    own = _Own(logging.WARNING)
    logging.getLogger("pda_studio").addHandler(own)
    try:
        with warnings.catch_warnings(), _number_2_silenced():
            if not sys.warnoptions:
                warnings.simplefilter("ignore")  # libraries' advice to programmers
            yield own.lines
    finally:
        logging.getLogger().removeHandler(handler)
        logging.getLogger("pda_studio").removeHandler(own)


def tell(message: str) -> None:
    """Write one line to standard error, whatever the message holds."""
    print(f"pda-studio: {' '.join(message.split())}", file=sys.stderr, flush=True)


class _Own(logging.Handler):
    """Collects what this program logs; details after a line, as a traceback, are for --debug."""

    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the first line, once."""
        line = record.getMessage().partition("\n")[0]
        if line not in self.lines:
            self.lines.append(line)


@contextlib.contextmanager
def _number_2_silenced() -> Iterator[None]:
    before = sys.stderr
    try:
        is_real = before.fileno() == 2
    except (OSError, ValueError):  # a test's, which has no number
        is_real = False
    if not is_real:
        yield
        return
    before.flush()
    saved = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    sys.stderr = os.fdopen(
        os.dup(saved), "w", encoding=before.encoding, errors="replace", buffering=1
    )
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            sys.stderr.close()
        sys.stderr = before
        os.dup2(saved, 2)
        os.close(saved)

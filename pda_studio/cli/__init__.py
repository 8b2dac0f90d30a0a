"""The command line: one verb, one function. What goes wrong is said in one line."""

import errno
import io
import os
import sys
import traceback
from collections.abc import Sequence

from pda_studio.cli import streams
from pda_studio.errors import Cancelled, PdaStudioError

STOPPED = 130
"""Exit status after Ctrl+C, as shells have it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out a command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        What follows the program's name; without it, what the program was started with.

    Returns
    -------
    int
        0 if all went well, 1 if something went wrong in the work, 2 if the request is wrong, 130
        after Ctrl+C.
    """
    streams.open_closed()
    given = list(sys.argv[1:] if arguments is None else arguments)
    words, debug = _without_debug(given)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # not every terminal can show every character
    try:
        with streams.libraries_silenced(not debug) as notes:
            status = _carried_out(words)
        sys.stdout.flush()
        for note in notes if _is_verb(words) else ():  # with success; the window shows its own
            streams.tell(note)
        return status
    except BrokenPipeError:  # whoever was reading has read enough
        _close_quietly()
        return 1
    except (KeyboardInterrupt, Cancelled):
        streams.tell("stopped.")
        return STOPPED
    except PdaStudioError as error:
        return _failed(str(error), error, error.exit_status, debug)
    except MemoryError as error:
        return _failed(_NO_MEMORY, error, 1, debug)
    except OSError as error:
        message = error.strerror or str(error)
        if error.filename:
            message = f"{error.filename}: {message}"
        if error.errno == errno.ENOSPC:
            _close_quietly()  # else Python tries once more on the way out, and complains
        return _failed(f"{message}.", error, 1, debug)
    except Exception as error:
        if _is_lack_of_memory(error):
            return _failed(_NO_MEMORY, error, 1, debug)
        reason = f"{type(error).__name__}: {error}".rstrip(". ")
        hint = "" if debug else " Run it again with --debug to see where."
        return _failed(f"something unforeseen went wrong ({reason}).{hint}", error, 1, debug)


_NO_MEMORY = "There is not enough memory: try a smaller --batch, or close other programs."


def _carried_out(words: list[str]) -> int:
    from cyclopts import CycloptsError

    from pda_studio.cli.application import NAMES, application
    from pda_studio.cli.sentences import sentence

    app = application(words)
    try:
        status = app(
            words,
            print_error=False,
            exit_on_error=False,
            verbose=False,
            result_action="return_value",
        )
    except CycloptsError as error:
        raise sentence(error, NAMES) from error
    return status if isinstance(status, int) else 0


def _is_verb(words: list[str]) -> bool:
    from pda_studio.cli.application import NAMES

    return bool(words) and words[0] in NAMES


def _without_debug(words: list[str]) -> tuple[list[str], bool]:
    """Take --debug out, wherever it stands before a `--`."""
    end = words.index("--") if "--" in words else len(words)
    options = [word for word in words[:end] if word != "--debug"]
    return options + words[end:], len(options) < end


def _failed(message: str, error: BaseException, status: int, debug: bool) -> int:
    if debug:
        traceback.print_exception(error)
    streams.tell(message)
    return status


def _is_lack_of_memory(error: Exception) -> bool:
    """Whether PyTorch ran out of memory, on the GPU or, under another name, on the CPU."""
    return type(error).__name__ == "OutOfMemoryError" or "not enough memory" in str(error)


def _close_quietly() -> None:
    """Let what is still to be written to standard output go nowhere."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
    except (OSError, ValueError):  # not a real file, as in a test
        pass

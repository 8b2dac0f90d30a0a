"""Reading the image that a command line names; `-` is standard input."""

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from pda_studio.errors import PdaStudioError

if TYPE_CHECKING:
    from pda_studio.images import Pixels

STANDARD_INPUT = Path("-")
_MOST = 2**30  # bytes: what never ends must not fill the disk
_PIECE = 2**20


def read_image(path: Path) -> "Pixels":
    """Read an image as `load_image` does.

    Raises
    ------
    PdaStudioError
        If it cannot be read.
    """
    from pda_studio import images

    if path != STANDARD_INPUT:
        return images.load_image(path)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "standard input")
        _copy_input(copy)
        try:
            return images.load_image(copy)
        except PdaStudioError as error:
            raise PdaStudioError(str(error).replace(str(copy), copy.name)) from error


def _copy_input(copy: Path) -> None:
    """Write standard input to a file."""
    if sys.stdin is None or sys.stdin.isatty():
        raise PdaStudioError(
            "There is no image on standard input: pipe one in, as in pda-studio predict - < FILE."
        )
    size = 0
    with copy.open("wb") as file:
        while piece := sys.stdin.buffer.read(_PIECE):
            size += len(piece)
            if size > _MOST:
                raise PdaStudioError("Standard input has more than 1 GB: it is no image.")
            file.write(piece)

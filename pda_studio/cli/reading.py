"""Reading the image that a command line names; `-` is standard input."""

import logging
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from pda_studio.errors import PdaStudioError

if TYPE_CHECKING:
    from pda_studio.images import Image

_log = logging.getLogger(__name__)

STANDARD_INPUT = Path("-")
_MOST = 2**30  # bytes: what never ends must not fill the disk
_PIECE = 2**20


def read_image(path: Path) -> "Image":
    """Read an image; what was left out or decided goes to the log.

    Raises
    ------
    PdaStudioError
        If it cannot be read.
    """
    from pda_studio import images

    if path != STANDARD_INPUT:
        return _told(images.read_image(path), path)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "standard input")
        _copy_input(copy)
        try:
            return _told(images.read_image(copy), Path(copy.name))
        except PdaStudioError as error:
            raise PdaStudioError(str(error).replace(str(copy), copy.name)) from error


def _told(image: "Image", path: Path) -> "Image":
    for note in image.notes:
        _log.warning("%s: %s", path, note)
    return image


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

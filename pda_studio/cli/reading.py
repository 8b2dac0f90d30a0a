"""Reading the image that a command line names; `-` is standard input."""

import logging
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pda_studio.errors import PdaStudioError

if TYPE_CHECKING:
    from pda_studio.images import Image
    from pda_studio.images.geometry import Plane

_log = logging.getLogger(__name__)

STANDARD_INPUT = Path("-")
_MOST = 2**30  # bytes: what never ends must not fill the disk
_PIECE = 2**20


def read_image(
    path: Path,
    page: int | None = None,
    limits: tuple[float, float] | None = None,
    plane: "Plane | None" = None,
) -> "Image":
    """Read an image; what was left out or decided goes to the log.

    Parameters
    ----------
    path : Path
        A file, or `STANDARD_INPUT`.
    page : int, optional
        Which page, frame or slice, from 1; without it the usual one.
    limits : (float, float), optional
        Its display limits, in place of those that it is opened with.
    plane : {"axial", "coronal", "sagittal"}, optional
        In which plane a volume is cut.

    Raises
    ------
    PdaStudioError
        If it cannot be read.
    UsageError
        If it has no such page, or the limits are none.
    """
    from pda_studio import images

    with _readable(path) as (file, name):
        try:
            image = images.read_image(file, page, plane)
        except PdaStudioError as error:
            raise type(error)(str(error).replace(str(file), name)) from error
    if limits is not None:
        image = image.with_limits(images.DisplayLimits(*limits))
    for note in image.notes:
        _log.warning("%s: %s", name, note)
    return image


@contextmanager
def _readable(path: Path) -> Iterator[tuple[Path, str]]:
    """The file, a copy of it where it is standard input, and what it is called."""
    if path != STANDARD_INPUT:
        yield path, str(path)
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "standard input")
        _copy_input(copy)
        yield copy, copy.name


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

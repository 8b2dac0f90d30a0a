"""Figures as files: the same bytes for the same figure, with its parameters inside."""

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from pda_studio import __version__
from pda_studio.errors import UsageError
from pda_studio.files import check_writable, written_whole

# Signs that no font has are named with the figure, in one sentence and not one by one.
logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", message="Glyph .* missing from font")

DPI = 300
STYLE: Any = {
    # Not the user's own settings; the backend is theirs to choose, and plays no part.
    **{k: v for k, v in matplotlib.rcParamsDefault.items() if not k.startswith("backend")},
    "pdf.fonttype": 42,  # TrueType: text stays text, and journals refuse the other kind
    "svg.fonttype": "none",
    "svg.hashsalt": "pda-studio",  # the same figure gives the same file
    "image.composite_image": False,
    "axes.unicode_minus": True,
}
_MAKER = f"PDA Studio {__version__}"
_SAVING: dict[str, dict[str, Any]] = {
    ".png": {"metadata": {"Software": _MAKER}},
    ".pdf": {"metadata": {"Creator": _MAKER, "CreationDate": None}},
    ".svg": {"metadata": {"Creator": _MAKER, "Date": None}},
    ".tif": {"pil_kwargs": {"compression": "tiff_lzw"}},
}
"""How each kind of file is written: always the same bytes for the same figure."""

_DESCRIPTION = {".png": "Description", ".pdf": "Subject", ".svg": "Description"}
"""Where each kind of file has room for what a figure shows; TIFF has its image description."""

SUFFIXES = tuple(_SAVING)
_MOST_DOTS = 1 << 27  # of a bitmap: half a gigabyte while it is drawn


@dataclass(frozen=True)
class About:
    """What a figure's file states of it.

    Attributes
    ----------
    title : str
        What it shows, in a few words.
    parameters : str
        How it came about, as JSON in ASCII, which every kind of file can hold.
    """

    title: str
    parameters: str


def check_figure(path: Path) -> None:
    """Refuse a figure's path at once, before hours of work go into what cannot be written.

    Raises
    ------
    UsageError
        If its suffix is not .png, .pdf, .svg or .tif.
    PdaStudioError
        If it is a folder, or its folder is missing or not writable.
    """
    path = Path(path)
    if path.suffix.lower() not in _SAVING:
        listed = f"{', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"
        raise UsageError(f"Cannot draw {path.name}: a figure's name must end in {listed}.")
    check_writable(path)


def save_figure(figure: Figure, path: Path, *, dpi: int = DPI, about: About | None = None) -> None:
    """Write a figure, whole or not at all: the same bytes for the same figure.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        What is drawn.
    path : Path
        Its suffix says what is written: .png, .pdf, .svg or .tif.
    dpi : int
        Dots per inch of a bitmap.
    about : About, optional
        What the file states of the figure.

    Raises
    ------
    UsageError
        If the suffix is another one, or a bitmap would be too large.
    PdaStudioError
        If the file cannot be written.
    """
    path = Path(path)
    check_figure(path)
    data = figure_bytes(figure, path.suffix.lower(), dpi=dpi, about=about)
    with written_whole(path) as file:
        file.write(data)


def figure_bytes(
    figure: Figure, suffix: str, *, dpi: int = DPI, about: About | None = None
) -> memoryview:
    """A figure as a file of one of the `SUFFIXES`; takes what `save_figure` does.

    Raises
    ------
    UsageError
        If a bitmap would be too large.
    """
    saving = dict(_SAVING[suffix])
    if about is not None and suffix == ".tif":
        saving["pil_kwargs"] = {
            **saving["pil_kwargs"],
            "software": _MAKER,
            "description": about.parameters,
        }
    elif about is not None:
        texts = {"Title": about.title, _DESCRIPTION[suffix]: about.parameters}
        saving["metadata"] = {**saving["metadata"], **texts}
    memory = io.BytesIO()
    with matplotlib.rc_context(STYLE), _smoothed(figure, dpi, suffix in (".png", ".tif")):
        figure.savefig(memory, format=suffix[1:], dpi=dpi, **saving)
    return memory.getbuffer()


def figure_pixels(figure: Figure, dpi: float) -> NDArray[np.uint8]:
    """Draw a figure at so many dots per inch, (H, W, 4) uint8: a preview, no file.

    Raises
    ------
    UsageError
        If it would be too large.
    """
    with matplotlib.rc_context(STYLE), _smoothed(figure, dpi, True):
        before = figure.dpi
        try:
            figure.set_dpi(dpi)
            canvas: Any = FigureCanvasAgg(figure)
            canvas.draw()
            return np.array(canvas.buffer_rgba())
        finally:
            figure.set_dpi(before)


@contextmanager
def _smoothed(figure: Figure, dpi: float, bitmap: bool) -> Iterator[None]:
    """Average pixels where a bitmap has fewer dots than an image in it: else some are lost.

    Vector files hold every pixel, whatever its size.
    """
    width, height = figure.get_size_inches() * dpi
    if bitmap and width * height > _MOST_DOTS:
        raise UsageError(
            f"A bitmap of {width:,.0f} × {height:,.0f} dots is too large: choose a smaller width,"
            " fewer dots per inch, or PDF."
        )
    small: list[AxesImage] = []
    for axes in figure.axes if bitmap else ():
        across = axes.get_position().width * width
        for image in axes.images:
            pixels: Any = image.get_array()
            rows, columns = pixels.shape[:2]
            if image.get_interpolation() == "none" and rows > 1 and columns > across + 0.5:
                small.append(image)
    for image in small:
        image.set_interpolation("antialiased")
    try:
        yield
    finally:
        for image in small:
            image.set_interpolation("none")

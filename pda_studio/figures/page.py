"""A page in whole dots: tiles with sharp edges, and text where it was measured to stand."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import Normal
from numpy.typing import NDArray

from pda_studio.figures.typesetting import Type, clean

INK, GREY = "#1a1a1a", "#5f5f5f"
FOR, AGAINST = "#b2182b", "#2166ac"
WARNING = "#a65000"
_FRAME = "#8c8c8c"


class Page:
    """A figure in the making; lengths are dots from the upper left corner.

    Parameters
    ----------
    width, height : int
        In dots.
    type : Type
        What text is set in, and the dots per inch.
    paper : str
        Colour of the background, or "none".

    Attributes
    ----------
    missing : set of str
        Signs of its texts that no installed font has: they are drawn as boxes.
    """

    def __init__(self, width: int, height: int, type: Type, paper: str = "white") -> None:
        self.width, self.height, self.type = width, height, type
        self.missing: set[str] = set()
        self.figure = Figure(
            figsize=(width / type.dpi, height / type.dpi), dpi=type.dpi, facecolor=paper
        )

    def axes(self, x: float, y: float, width: float, height: float) -> Axes:
        """Make axes with a thin frame and nothing else."""
        axes: Axes = self.figure.add_axes(
            (
                x / self.width,
                1 - (y + height) / self.height,
                width / self.width,
                height / self.height,
            )
        )
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set_linewidth(0.5)
            spine.set_color(_FRAME)
        return axes

    def image(
        self, x: float, y: float, size: tuple[int, int], pixels: NDArray[Any], **style: Any
    ) -> Axes:
        """Draw an image as a tile of this width and height, each pixel as it is."""
        axes = self.axes(x, y, *size)
        axes.imshow(pixels, interpolation="none", aspect="auto", **style)
        return axes

    def text(self, x: float, y: float, text: str, **style: Any) -> None:
        """Write text on its baseline (or as `va` says), dollar signs and all."""
        text = clean(text)
        self.missing |= set(self.type.missing(text))
        style = {"family": self.family(text), "va": "baseline", **style}
        if self.type.outlined(text):
            style["path_effects"] = [Normal()]
        self.figure.text(x / self.width, 1 - y / self.height, text, parse_math=False, **style)

    def family(self, text: str) -> str | list[str]:
        """The fonts of a text, as matplotlib takes them."""
        families = self.type.families(text)
        return families[0] if len(families) == 1 else families

"""Maps in somebody's own axes and in notebooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib import pyplot
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize

from pda_studio.errors import UsageError
from pda_studio.figures.panel import draw_panel
from pda_studio.figures.saving import figure_bytes
from pda_studio.rendering import Appearance, colour_scale, heat_map, overlay
from pda_studio.rendering.scales import scale_start
from pda_studio.results import EvidenceMap, Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_STEPS = 511


def plot(
    result: Result,
    ax: Axes | None = None,
    *,
    style: str = "overlay",
    appearance: Appearance | None = None,
    colour_bar: bool = True,
) -> Axes:
    """Draw a result into axes: a map over its image, or by itself; a made image as it is.

    Parameters
    ----------
    result : EvidenceMap or MadeImage
        What is drawn, in pixels of the network's input.
    ax : matplotlib.axes.Axes, optional
        Where; without it, pyplot's current axes.
    style : {"overlay", "map"}
        Over the grey image, or by itself.
    appearance : Appearance, optional
        Colours, sign, threshold; without it, as a new window has them.
    colour_bar : bool
        Whether a colour bar with the unit stands beside it.

    Returns
    -------
    matplotlib.axes.Axes
        With the target as its title.

    Raises
    ------
    UsageError
        If there is no such style.
    """
    if style not in ("overlay", "map"):
        raise UsageError(f"There is no style “{style}” to plot: choose overlay or map.")
    if ax is None:
        ax = pyplot.gca()
    if isinstance(result, EvidenceMap):
        shown = Appearance() if appearance is None else appearance
        pixels = (overlay if style == "overlay" else heat_map)(result, shown, result.limit)
        if colour_bar:
            _add_colour_bar(result, ax, shown)
    else:
        pixels = result.image  # type: ignore[attr-defined]
    ax.imshow(pixels, interpolation="nearest")
    ax.set_title(result.target_name)
    ax.set_axis_off()
    return ax


def png(result: Result) -> bytes:
    """A result as a notebook shows it: the image, the map, and the map over the grey image."""
    return bytes(figure_bytes(draw_panel([result]), ".png"))


def _add_colour_bar(result: EvidenceMap, ax: Axes, appearance: Appearance) -> None:
    start = scale_start(result, appearance, result.limit)
    colours: Any = colour_scale(result, appearance, result.limit, _STEPS) / 255
    scale = ScalarMappable(Normalize(start, result.limit), ListedColormap(colours))
    figure = ax.figure
    figure.colorbar(scale, ax=ax, label=result.unit, fraction=0.046, pad=0.04)

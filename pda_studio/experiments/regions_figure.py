"""The figure of affine regions: the points, the regions, the logit, and the share of its bias."""

from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from skimage.segmentation import find_boundaries

from pda_studio.experiments.charts import CHART_STYLE
from pda_studio.experiments.matrices import INK
from pda_studio.experiments.regions import REACH, Plane
from pda_studio.figures.saving import DPI

_WIDTH, _HEIGHT = 7.2, 2.65  # inches
_COLOURS = ("#2166ac", "#b2182b")


def draw_regions(found: Plane) -> Figure:
    """Draw the plane three times: regions, logit, and |bias| / |logit|."""
    bias = np.array([one.bias for one in found.regions])[found.label]
    share = np.abs(bias) / np.maximum(np.abs(found.logit), 1e-9)
    limit = float(np.quantile(np.abs(found.logit), 0.98)) or 1.0
    with matplotlib.rc_context(CHART_STYLE):
        size = _WIDTH, _HEIGHT
        figure = Figure(figsize=size, dpi=DPI, facecolor="white", layout="constrained")
        panels: Any = figure.subplots(1, 3, sharey=True)
        # Neighbours differ: a region's colour is a place in a table that is gone through in leaps.
        table = matplotlib.colormaps["Pastel1"].colors + matplotlib.colormaps["Set3"].colors  # type: ignore[attr-defined]
        colours = np.array(table)[(found.label * 8) % len(table)]
        _plane(panels[0], colours, found, f"{len(found.regions)} affine regions")
        for value, colour in enumerate(_COLOURS):
            here = found.points[found.classes == value]
            panels[0].plot(*here.T, ".", color=colour, markersize=2.5, markeredgewidth=0)
        image = _plane(
            panels[1], found.logit, found, "logit", cmap="RdBu_r", vmin=-limit, vmax=limit
        )
        _bar(figure, image, panels[1])
        image = _plane(panels[2], share, found, "|bias| / |logit|", cmap="magma", vmin=0, vmax=2)
        _bar(figure, image, panels[2])
        for axes in panels:
            axes.contour(*_axis(found), found.logit, [0.0], colors=INK, linewidths=0.9)
    return figure


def _plane(axes: Axes, values: Any, found: Plane, title: str, **colours: Any) -> Any:
    """An image of the plane, with the edges of the regions."""
    extent = (-REACH, REACH, -REACH, REACH)
    image = axes.imshow(values, origin="lower", extent=extent, interpolation="nearest", **colours)
    edges: Any = find_boundaries(found.label, mode="inner")  # type: ignore[no-untyped-call]
    ink = np.zeros((*edges.shape, 4))
    ink[..., :3], ink[..., 3] = 0.25, 0.35 * edges
    axes.imshow(ink, origin="lower", extent=extent, interpolation="nearest")
    axes.set_title(title, fontsize=7, color=INK)
    axes.set_xticks([-1, 0, 1])
    axes.set_yticks([-1, 0, 1])
    axes.tick_params(length=2, width=0.5, color=INK, labelcolor=INK)
    for spine in axes.spines.values():
        spine.set_linewidth(0.5)
    return image


def _bar(figure: Figure, image: Any, axes: Axes) -> None:
    bar = figure.colorbar(image, ax=axes, fraction=0.046, pad=0.02)
    bar.ax.tick_params(labelsize=5.5, length=1.5, width=0.4)
    bar.outline.set_visible(False)


def _axis(found: Plane) -> tuple[Any, Any]:
    axis = np.linspace(-REACH, REACH, len(found.logit))
    return axis, axis

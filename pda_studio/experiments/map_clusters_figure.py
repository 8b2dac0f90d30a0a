"""The figure of clusters of maps: the embedding, and mean map and typical images of each."""

from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnnotationBbox, OffsetImage
from numpy.typing import NDArray

from pda_studio.experiments.charts import CHART_STYLE, without_box
from pda_studio.experiments.map_clusters import Example, MapClusters
from pda_studio.experiments.matrices import GREY, INK
from pda_studio.figures.image_places import POINTS
from pda_studio.figures.saving import DPI
from pda_studio.images import shown_pixels

CLUSTER_COLOURS = (
    "#1b9e77", "#d95f02", "#7570b3", "#e7298a", "#66a61e", "#e6ab02", "#a6761d", "#666666",
)  # fmt: skip
_WIDTH, _SQUARE, _ROW = 7.2, 3.5, 0.92  # inches
_THUMBNAILS = 36  # small maps in the embedding
_LEAST_ROWS = 5
_GRID = 13  # thumbnails lie this many to a side at most


def colour_of(cluster: int) -> str:
    """A cluster's colour."""
    return CLUSTER_COLOURS[cluster % len(CLUSTER_COLOURS)]


def draw_map_clusters(found: MapClusters) -> Figure:
    """Draw where maps lie, and each cluster's mean map beside its most typical images."""
    height = max(_SQUARE + 1.3, _ROW * len(found.clusters) + 0.5)
    with matplotlib.rc_context({**CHART_STYLE, "lines.linewidth": 0.9}):
        figure = Figure(figsize=(_WIDTH, height), dpi=DPI, facecolor="white", layout="constrained")
        parts: Any = figure.subfigures(1, 2, width_ratios=[_SQUARE, _WIDTH - _SQUARE])
        left, right = parts
        plane, values = left.subplots(2, 1, gridspec_kw={"height_ratios": [_SQUARE, 0.9]})
        _embedding(plane, found)
        _eigenvalues(values, found)
        _rows(right, found)
    return figure


def _embedding(axes: Axes, found: MapClusters) -> None:
    clusters = np.zeros(len(found.plane), np.int64)
    for number, one in enumerate(found.clusters):
        clusters[one.members] = number
    colours = [colour_of(int(one)) for one in clusters]
    few = len(found.plane) <= _THUMBNAILS
    points = axes.scatter(
        found.plane[:, 0],
        found.plane[:, 1],
        s=90 if few else 14,
        c=colours,
        linewidths=0.3,
        edgecolors="white",
    )
    points.set_gid(POINTS)
    for place in range(len(found.plane)) if few else _spaced(found.plane):
        _thumbnail(axes, found.plane[place], found.maps[place], colours[place])
    axes.margins(0.09)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_linewidth(0.5)
        spine.set_color(GREY)


def _spaced(plane: NDArray[np.float64]) -> list[int]:
    """Points that leave room for a thumbnail each: in every cell of a grid the first one."""
    low, high = plane.min(0), plane.max(0)
    cells = np.floor((plane - low) / np.maximum(high - low, 1e-12) * (_GRID - 1e-6)).astype(int)
    taken: dict[tuple[int, int], int] = {}
    for place, (across, up) in enumerate(cells.tolist()):
        near = ((across + x, up + y) for x in (-1, 0, 1) for y in (-1, 0, 1))
        if not any(cell in taken for cell in near):
            taken[across, up] = place
    return list(taken.values())


def _thumbnail(
    axes: Axes, at: NDArray[np.float64], small: NDArray[np.float64], colour: str
) -> None:
    limit = float(np.abs(small).max()) or 1.0
    pixels = matplotlib.colormaps["RdBu_r"](0.5 + 0.5 * small / limit)
    image = OffsetImage(pixels, zoom=15 / len(small), interpolation="nearest")
    box = AnnotationBbox(
        image, tuple(at), pad=0.1, bboxprops={"edgecolor": colour, "linewidth": 0.9}
    )
    axes.add_artist(box)


def _eigenvalues(axes: Axes, found: MapClusters) -> None:
    count = len(found.clusters)
    numbers = np.arange(1, len(found.eigenvalues) + 1)
    axes.plot(numbers, found.eigenvalues, "o-", color=INK, markersize=2.5, linewidth=0.6)
    axes.axvline(count + 0.5, color=GREY, linewidth=0.7, linestyle=":")
    axes.set_xticks(numbers)
    axes.set_xlabel("eigenvalues of the graph, smallest first")
    axes.set_ylim(bottom=min(-0.02, float(found.eigenvalues[0])))
    without_box(axes)


def _rows(figure: Any, found: MapClusters) -> None:
    columns = 1 + max(len(one.examples) for one in found.clusters)
    axes = figure.subplots(max(len(found.clusters), _LEAST_ROWS), columns, squeeze=False)
    for each in axes.flat:
        each.set_axis_off()
    for number, (one, row) in enumerate(zip(found.clusters, axes, strict=False)):
        mean = row[0]
        limit = float(np.abs(one.mean).max()) or 1.0
        mean.imshow(one.mean, cmap="RdBu_r", vmin=-limit, vmax=limit)
        mean.set_axis_on()
        mean.set_xticks([])
        mean.set_yticks([])
        for spine in mean.spines.values():
            spine.set_color(colour_of(number))
            spine.set_linewidth(1.6)
        share = f"{len(one.members) / len(found.maps):.0%}".replace("%", " %")
        head = "" if number else "mean map, share\n"
        mean.set_title(f"{head}{number + 1}: {share}", fontsize=6, color=INK)
        for place, example, shown in zip(one.members, one.examples, row[1:], strict=False):
            _example(shown, example)
            shown.set_gid(f"{POINTS}-{place}")
    typical = axes[0][1].set_title("most typical images", fontsize=6, color=GREY, loc="left")
    typical.set_in_layout(False)  # it is wider than its column


def _example(axes: Axes, example: Example) -> None:
    """An image in grey, with its map over it."""
    grey = shown_pixels(example.view).mean(-1)
    limit = float(np.quantile(np.abs(example.evidence), 0.995)) or 1.0
    axes.imshow(grey, cmap="gray", vmin=0, vmax=255)
    strength = np.clip(np.abs(example.evidence) / limit, 0, 0.75)
    axes.imshow(example.evidence, cmap="RdBu_r", vmin=-limit, vmax=limit, alpha=strength)

"""A figure of maps alone, without a workspace: each column a way to explain, each row an image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from pda_studio.errors import UsageError
from pda_studio.figures.composed import draw_composition, save_composition
from pda_studio.figures.composition import Composition
from pda_studio.figures.grid import Column, Grid, Row
from pda_studio.rendering import Appearance
from pda_studio.results import Result

_COMPOSITION = Composition(tiles="both")


def save_panel(maps: Sequence[Result], path: Path, *, appearance: Appearance | None = None) -> str:
    """Draw maps as `draw_panel` does and write them, whole or not at all.

    Parameters
    ----------
    maps : sequence of Result
        At least one.
    path : Path
        Its suffix says what is written: .png, .pdf, .svg or .tif.
    appearance : Appearance, optional
        How the maps are drawn; without it, as a new window draws them.

    Returns
    -------
    str
        What was done to fit it to the page, in one sentence; "" for nothing.

    Raises
    ------
    UsageError
        If the suffix is another one, or there are no maps.
    PdaStudioError
        If the file cannot be written.
    """
    return save_composition(panel(maps, appearance), _COMPOSITION, path)


def draw_panel(maps: Sequence[Result], *, appearance: Appearance | None = None) -> Figure:
    """Draw maps side by side: the image, then each map by itself and over the grey image.

    Takes what `save_panel` does. Of a method that makes an image, the made image stands in the
    place of map and overlay.

    Returns
    -------
    matplotlib.figure.Figure
        As wide as two columns of a journal; not known to pyplot.

    Raises
    ------
    UsageError
        If there are no maps.
    """
    return draw_composition(panel(maps, appearance), _COMPOSITION)


def panel(maps: Sequence[Result], appearance: Appearance | None = None) -> Grid:
    """Rows and columns of maps: a row for each image, a column for each map of an image.

    Raises
    ------
    UsageError
        If there are no maps.
    """
    if not maps:
        raise UsageError("There is no map to draw.")
    by_view: dict[object, list[Result]] = {}
    for one in maps:
        by_view.setdefault((one.view.shape, one.view.tobytes()), []).append(one)
    columns: dict[object, Column] = {}
    rows = []
    for at, same in enumerate(by_view.values()):
        shown: dict[int, Result] = {}
        for one in same:
            how = one.title, repr(sorted(one.parameters.items())), one.fingerprint
            repeated = 0
            while (how, repeated) in columns and columns[how, repeated].key in shown:
                repeated += 1
            column = columns.setdefault((how, repeated), Column(len(columns), one.title, "both"))
            shown[column.key] = one
        rows.append(Row(at, f"Image {at + 1}", same[0].view, shown))
    title = maps[0].target_name
    shown_as = Appearance() if appearance is None else appearance
    return Grid(title, tuple(rows), tuple(columns.values()), shown_as, partial=True)

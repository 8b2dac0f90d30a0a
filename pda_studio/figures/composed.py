"""Drawing a composed figure: the same for the window's preview, its files and the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pda_studio.figures.arranging import laid_out, layout_note
from pda_studio.figures.composition import INPUT, Composition
from pda_studio.figures.contours import draw_contours
from pda_studio.figures.grid import Column, Grid, Row, about
from pda_studio.figures.page import AGAINST, FOR, GREY, INK, WARNING, Page
from pda_studio.figures.saving import STYLE, check_figure, figure_bytes, save_figure
from pda_studio.figures.scale import Scale, draw_scale
from pda_studio.figures.tables import Place, Table, letter
from pda_studio.figures.typesetting import clean
from pda_studio.images import shown_pixels
from pda_studio.results import MadeImage


@dataclass(frozen=True)
class _Inks:
    paper: str
    ink: str
    grey: str
    ends: tuple[str, str]


_NAMED = 6  # signs of the target's name that a headline has at least

_INKS = {
    "white": _Inks("white", INK, GREY, (AGAINST, FOR)),
    "transparent": _Inks("none", INK, GREY, (AGAINST, FOR)),
    "black": _Inks("black", "#f2f2f2", "#b4b4b4", ("#74add1", "#f4806a")),
}


def draw_composition(grid: Grid, composition: Composition) -> Figure:
    """Draw the rows and columns of a grid that a composition chooses, as it says.

    Parameters
    ----------
    grid : Grid
        Rows of images and columns of maps.
    composition : Composition
        The layout.

    Returns
    -------
    matplotlib.figure.Figure
        As wide as the composition says, to a dot; not known to pyplot.

    Raises
    ------
    UsageError
        If nothing is chosen, a chosen map is not finished, or the width has no room for the tiles.
    """
    return compose(grid, composition)[0]


def compose(grid: Grid, composition: Composition) -> tuple[Figure, str]:
    """What `draw_composition` draws, and what whoever wants it should know of it.

    That is what was done to fit it to the page, and which signs no font has; "" if nothing.
    """
    shown = grid.chosen(composition)
    shown.check()
    with matplotlib.rc_context(STYLE):
        composed = _Composed(shown, composition)
    notes = [layout_note(composed.layout)]
    if missing := sorted(composed.page.missing):
        it = "it is drawn as a box" if len(missing) == 1 else "they are drawn as boxes"
        notes.append(f"No installed font has “{''.join(missing)}”: {it}.")
    return composed.page.figure, " ".join(filter(None, notes))


def save_composition(grid: Grid, composition: Composition, path: Path) -> str:
    """Draw a figure as `draw_composition` does and write it, whole or not at all.

    The file states its layout, how its maps are drawn, and how each was made.

    Returns
    -------
    str
        What was done to fit it to the page, and which signs no font has; "" if nothing.

    Raises
    ------
    UsageError
        If the suffix is not .png, .pdf, .svg or .tif, or the figure cannot be drawn.
    PdaStudioError
        If the file cannot be written.
    """
    check_figure(path)
    figure, fitted = compose(grid, composition)
    save_figure(figure, path, dpi=composition.dpi, about=about(grid, composition))
    return fitted


def composition_bytes(grid: Grid, composition: Composition, suffix: str) -> bytes:
    """What `save_composition` would write into a file of this suffix."""
    figure = draw_composition(grid, composition)
    return bytes(figure_bytes(figure, suffix, dpi=composition.dpi, about=about(grid, composition)))


class _Composed:
    """A figure in the making."""

    def __init__(self, grid: Grid, composition: Composition) -> None:
        self.grid, self.composition = grid, composition
        appearance = grid.appearance
        if composition.colour_bar == "shared" and appearance.scale == "map":
            appearance = appearance.replace(scale="all")
        self.appearance = appearance
        self.layout = layout = laid_out(grid, composition, appearance)
        self.inks = _INKS[composition.background]
        self.page = Page(layout.width, layout.height, layout.type, self.inks.paper)
        self._headline(layout.margin)
        for table in layout.tables:
            self._titles(table)
            y = table.y + table.titles_height
            for at, row in enumerate(table.rows):
                self._row(table, row, y)
                y += layout.row_height(at) + layout.row_gap
        y = layout.tables_end
        if composition.colour_bar == "shared":
            self._shared_scales(y + layout.dots(3))
            y += layout.dots(3) + layout.bar_height
        y += layout.dots(5)
        for line in layout.caption:
            self._text(layout.margin, y, line, layout.small, self.inks.grey, va="top")
            y += layout.line(layout.small)

    def _headline(self, y: int) -> None:
        layout = self.layout
        if layout.texts.headline is None:
            return
        name, probability = layout.texts.headline
        type, size = layout.type, layout.large
        across = layout.width - 2 * layout.margin
        # On a narrow page, smaller: the probability is whole, and a part of the name is there.
        least = f"{clean(name)[:_NAMED]}…  {probability}"
        size *= min(1.0, across / type.width(least, size, "bold"))
        room = across - type.width(f"  {probability}", size)
        name = type.fitted(name, room, size, "bold")
        baseline = y + layout.dots(size)
        self._text(layout.margin, baseline, name, size, self.inks.ink, weight="bold")
        x = layout.margin + type.width(name, size, "bold") + type.width("  ", size)
        self._text(x, baseline, probability, size, self.inks.grey)

    def _titles(self, table: Table) -> None:
        """Write names of columns, the last lines side by side."""
        layout = self.layout
        bottom = table.y + table.titles_height - layout.dots(2)
        more = max(len(place.details) for place in table.places)
        top = bottom - more * layout.line(layout.details_size)
        for place in table.places:
            x = table.x + place.x
            for at, line in enumerate(reversed(place.title)):
                baseline = (
                    top - at * layout.line(layout.title_size) - layout.dots(0.3 * layout.title_size)
                )
                self._text(x, baseline, line, layout.title_size, self.inks.ink, weight="bold")
            for at, line in enumerate(place.details):
                baseline = (
                    top
                    + at * layout.line(layout.details_size)
                    + layout.dots(0.95 * layout.details_size)
                )
                self._text(x, baseline, line, layout.details_size, self.inks.grey)

    def _row(self, table: Table, row: Row, y: int) -> None:
        layout = self.layout
        tiles = y + layout.letter_height
        self._label(table, row, tiles)
        for place in table.places:
            x = table.x + place.x
            lettered = layout.letters.get((row.key, place.key))
            if lettered is not None and not layout.lettered_titles:
                baseline = tiles - layout.dots(0.35 * layout.normal)
                self._text(x, baseline, lettered, layout.normal, self.inks.ink, weight="bold")
            if place.key == INPUT:
                view = row.view
                if view is None:
                    view = next(iter(row.maps.values())).view
                self._image(x, tiles, shown_pixels(view))
            elif place.key in row.maps:
                self._map(x, place, layout.column(place.key), row, tiles)

    def _label(self, table: Table, row: Row, y: int) -> None:
        """Write a row's name and probability upright beside it."""
        layout = self.layout
        label, beside = layout.texts.beside[row.key]
        if self.composition.letters == "rows":
            at = [one.key for one in self.grid.rows].index(row.key)
            text = letter(at, self.composition)
            self._text(table.x, y, text, layout.normal, self.inks.ink, weight="bold", va="top")
        right = table.x + layout.left - layout.dots(2)
        for text, room, colour, weight in (
            (beside, layout.labels.beside, self.inks.grey, "normal"),
            (label, layout.labels.lines, self.inks.ink, "bold"),
        ):
            if not room:  # where no row has a name, nothing stands beside them
                continue
            size = layout.labels.size
            lines = layout.type.folded(text, layout.labels.room, size, room, weight)
            bottom = y + layout.tile_height + layout.labels.drop
            for back, line in enumerate(reversed(lines)):
                x = right - back * layout.line(size)
                upright = {"rotation": 90, "ha": "right", "va": "bottom", "weight": weight}
                self._text(x, bottom, line, size, colour, **upright)
            right -= room * layout.line(size)

    def _map(self, x: int, place: Place, column: Column, row: Row, y: int) -> None:
        layout, one = self.layout, row.maps[column.key]
        scale = layout.scales.get((row.key, column.key))
        if isinstance(one, MadeImage):
            self._image(x, y, one.image)
        elif scale is not None:
            layer = column.layer(row, self.appearance)
            for at, style in enumerate(column.choice.styles(self.appearance)):
                appearance = style.adapted(self.appearance)
                drawing = style.draw(layer, appearance, scale.end)
                left = x + at * (layout.tile + layout.pair_gap)
                axes = self._image(left, y, drawing.at(appearance.opacity))
                draw_contours(axes, drawing.lines, appearance.opacity)
        y += layout.tile_height
        below = y + layout.dots(2)
        lines = layout.lines_of(row, column)
        for line in lines:
            below += layout.line(layout.small)
            self._text(x, below - layout.dots(2), line, layout.small, self.inks.ink)
        if self.composition.colour_bar == "each":
            if scale is not None:
                self._scale(x, y + layout.dots(4), place.width, scale)
            y += layout.bar_height
        elif lines:
            y = below
        for note in layout.notes[row.key, column.key]:
            y += layout.line(layout.note_size)
            colour = WARNING if note.warns else self.inks.grey
            self._text(x, y, note.text, layout.note_size, colour)

    def _image(self, x: int, y: int, pixels: NDArray[np.uint8]) -> Axes:
        return self.page.image(x, y, (self.layout.tile, self.layout.tile_height), pixels)

    def _shared_scales(self, y: int) -> None:
        """Draw a colour bar for each unit and colour map, side by side below the maps."""
        layout = self.layout
        scales = layout.shared_scales
        left, right = layout.margin + layout.left, layout.width - layout.margin
        step = layout.bar_width + layout.column_gap
        x = left + (right - left - len(scales) * step + layout.column_gap) // 2
        for scale in scales:
            self._scale(x, y + layout.dots(4), layout.bar_width, scale)
            x += step

    def _scale(self, x: int, y: int, width: int, scale: Scale) -> None:
        layout, inks = self.layout, self.inks
        draw_scale(
            self.page,
            x,
            y,
            width,
            scale,
            size=layout.small,
            form=layout.form,
            bar=layout.bar,
            ink=inks.ink,
            grey=inks.grey,
            ends=inks.ends,
        )

    def _text(
        self, x: float, y: float, text: str, size: float, colour: str, **style: object
    ) -> None:
        if text:
            self.page.text(x, y, text, size=size, color=colour, **style)

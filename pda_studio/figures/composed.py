"""Drawing a composed figure: the same for the window's preview, its files and the command line."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from pda_studio.figures.composition import INPUT, Composition
from pda_studio.figures.contours import draw_contours
from pda_studio.figures.grid import Column, Grid, Row, about
from pda_studio.figures.layout import Layout, Place, letter
from pda_studio.figures.page import AGAINST, FOR, GREY, INK, Page
from pda_studio.figures.saving import STYLE, check_figure, figure_bytes, save_figure
from pda_studio.figures.scale import Scale, draw_scale
from pda_studio.rendering import OverlayStyle
from pda_studio.results import EvidenceMap

_WIDEST_BAR = 70 / 25.4 * 72  # points, of a shared colour bar


@dataclass(frozen=True)
class _Inks:
    paper: str
    ink: str
    grey: str
    ends: tuple[str, str]


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
    shown = grid.chosen(composition)
    shown.check()
    with matplotlib.rc_context(STYLE):
        return _Composed(shown, composition).page.figure


def save_composition(grid: Grid, composition: Composition, path: Path) -> None:
    """Draw a figure as `draw_composition` does and write it, whole or not at all.

    The file tells its layout, how its maps are drawn, and how each was made.

    Raises
    ------
    UsageError
        If the suffix is not .png, .pdf, .svg or .tif, or the figure cannot be drawn.
    PdaStudioError
        If the file cannot be written.
    """
    check_figure(path)
    figure = draw_composition(grid, composition)
    save_figure(figure, path, dpi=composition.dpi, about=about(grid, composition))


def composition_bytes(grid: Grid, composition: Composition, suffix: str) -> bytes:
    """What `save_composition` would write into a file of this suffix."""
    figure = draw_composition(grid, composition)
    told = about(grid, composition)
    return bytes(figure_bytes(figure, suffix, dpi=composition.dpi, about=told))


class _Composed:
    """A figure in the making."""

    def __init__(self, grid: Grid, composition: Composition) -> None:
        self.grid, self.composition = grid, composition
        appearance = grid.appearance
        if composition.colour_bar == "shared" and appearance.scale == "map":
            appearance = appearance.replace(scale="all")
        self.appearance, self.maps = appearance, grid.maps
        self.layout = layout = Layout(grid, composition)
        self.inks = _INKS[composition.background]
        self.page = Page(layout.width, layout.height, layout.type, self.inks.paper)
        self.letters = 0
        y = layout.margin
        self._headline(y)
        y += layout.headline_height
        self._titles(y)
        y += layout.titles_height
        for at, row in enumerate(grid.rows):
            self._row(at, row, y)
            y += layout.row_height(row) + layout.row_gap
        y -= layout.row_gap
        if composition.colour_bar == "shared":
            y += layout.dots(3)
            self._shared_scales(y)
            y += layout.bar_height
        y += layout.dots(5)
        for line in layout.caption:
            self._text(layout.margin, y, line, layout.small, self.inks.grey, va="top")
            y += layout.line(layout.small)

    def _headline(self, y: int) -> None:
        layout = self.layout
        if layout.headline is None:
            return
        name, probability = layout.headline
        type, size = layout.type, layout.large
        room = layout.width - 2 * layout.margin - type.width(f"  {probability}", size)
        name = type.fitted(name, room, size, "bold")
        baseline = y + layout.dots(size)
        self._text(layout.margin, baseline, name, size, self.inks.ink, weight="bold")
        x = layout.margin + type.width(name, size, "bold") + type.width("  ", size)
        self._text(x, baseline, probability, size, self.inks.grey)

    def _titles(self, y: int) -> None:
        """Write names of columns, the last lines side by side."""
        layout = self.layout
        bottom = y + layout.titles_height - layout.dots(2)
        more = max((len(place.details) for place in layout.places), default=0)
        top = bottom - more * layout.line(layout.details_size)
        for place in layout.places:
            for at, line in enumerate(reversed(place.title)):
                baseline = (
                    top - at * layout.line(layout.title_size) - layout.dots(0.3 * layout.title_size)
                )
                self._text(place.x, baseline, line, layout.title_size, self.inks.ink, weight="bold")
            for at, line in enumerate(place.details):
                baseline = (
                    top
                    + at * layout.line(layout.details_size)
                    + layout.dots(0.95 * layout.details_size)
                )
                self._text(place.x, baseline, line, layout.details_size, self.inks.grey)

    def _row(self, at: int, row: Row, y: int) -> None:
        self._label(at, row, y)
        columns = {column.key: column for column in self.grid.columns}
        for place in self.layout.places:
            if place.key == INPUT:
                view = row.view
                if view is None:
                    view = next(iter(row.maps.values())).view
                self._image(place.x, y, view)
            else:
                self._map(place, columns[place.key], row, y)
            if self.composition.letters == "panels":
                self._letter(place.x, y)

    def _label(self, at: int, row: Row, y: int) -> None:
        """Write a row's name and probability upright beside it."""
        layout = self.layout
        label, beside = layout.labels[row.key]
        height = layout.tile_height
        if self.composition.letters == "rows":
            text = letter(at, self.composition)
            self._text(
                layout.margin, y, text, layout.normal, self.inks.ink, weight="bold", va="top"
            )
            height -= layout.line(layout.normal) + layout.dots(2)
        right, bottom = layout.left - layout.dots(2), y + layout.tile_height
        sides = (
            (beside, 1, layout.beside_lines, self.inks.grey, "normal"),
            (label, layout.label_lines, layout.label_lines, self.inks.ink, "bold"),
        )
        for text, most, room, colour, weight in sides:
            lines = layout.type.folded(text, height, layout.label_size, most, weight)
            for back, line in enumerate(reversed(lines)):
                x = right - back * layout.line(layout.label_size)
                upright = {"rotation": 90, "ha": "right", "va": "bottom", "weight": weight}
                self._text(x, bottom, line, layout.label_size, colour, **upright)
            right -= room * layout.line(layout.label_size)

    def _map(self, place: Place, column: Column, row: Row, y: int) -> None:
        layout, one = self.layout, row.maps[column.key]
        if one.image is not None:
            self._image(place.x, y, one.image)
        else:
            layer, x = column.layer(row, self.appearance), place.x
            for style in column.choice.styles(self.appearance):
                self._drawing(x, y, style, layer, self._limit(column, one))
                x += layout.tile + layout.pair_gap
        y += layout.tile_height
        below = y + layout.dots(2)
        for line in layout.lines_of(row, column):
            below += layout.line(layout.small)
            self._text(place.x, below - layout.dots(2), line, layout.small, self.inks.ink)
        if self.composition.colour_bar == "each":
            if one.image is None:
                scale = self._scale_of(column, row)
                self._scale(place.x, y + layout.dots(4), place.width, scale)
            y += layout.bar_height
        for line in layout.notes[row.key, column.key]:
            y += layout.line(layout.note_size)
            self._text(place.x, y, line, layout.note_size, self.inks.grey)

    def _limit(self, column: Column, one: EvidenceMap) -> float:
        """The end of a map's scale, among those of the columns that show the same of it."""
        style = column.choice.styles(self.appearance)[0]
        return style.limit(one, self.maps, self.appearance)

    def _scale_of(self, column: Column, row: Row) -> Scale:
        style = column.choice.styles(self.appearance)[0]
        layer = column.layer(row, self.appearance)
        limit = self._limit(column, row.maps[column.key])
        return Scale.of(layer, style.adapted(self.appearance), limit)

    def _drawing(
        self, x: int, y: int, style: OverlayStyle, layer: EvidenceMap, limit: float
    ) -> None:
        appearance = style.adapted(self.appearance)
        drawing = style.draw(layer, appearance, limit)
        tile = self.layout.tile, self.layout.tile_height
        axes = self.page.image(x, y, tile, drawing.at(appearance.opacity))
        draw_contours(axes, drawing.lines, appearance.opacity)

    def _image(self, x: int, y: int, pixels: object) -> None:
        self.page.image(x, y, (self.layout.tile, self.layout.tile_height), pixels)  # type: ignore[arg-type]

    def _letter(self, x: int, y: int) -> None:
        """Write the next letter into the corner of a tile, on a light ground."""
        inset = self.layout.dots(2.5)
        text = letter(self.letters, self.composition)
        self.letters += 1
        self._text(
            x + inset,
            y + inset,
            text,
            self.layout.normal,
            INK,
            va="top",
            weight="bold",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.0},
            zorder=10,
        )

    def _shared_scales(self, y: int) -> None:
        """Draw a colour bar for each unit and colour map, side by side below the maps."""
        layout = self.layout
        scales: dict[object, Scale] = {}
        for row, column in product(self.grid.rows, self.grid.columns):
            if column.key in row.maps and row.maps[column.key].image is None:
                scale = self._scale_of(column, row)
                scales.setdefault((scale.unit, scale.colours, scale.start, scale.end), scale)
        places = [place for place in layout.places if place.key != INPUT]
        left, right = places[0].x, places[-1].x + places[-1].width
        if not scales:
            return
        room = (right - left + layout.column_gap) // len(scales) - layout.column_gap
        width = min(room, layout.dots(_WIDEST_BAR))
        used = len(scales) * (width + layout.column_gap) - layout.column_gap
        x = left + (right - left - used) // 2
        for scale in scales.values():
            self._scale(x, y + layout.dots(4), width, scale)
            x += width + layout.column_gap

    def _scale(self, x: int, y: int, width: int, scale: Scale) -> None:
        layout, inks = self.layout, self.inks
        draw_scale(
            self.page,
            x,
            y,
            width,
            scale,
            size=layout.small,
            bar=layout.bar,
            below=layout.below_bar,
            ink=inks.ink,
            grey=inks.grey,
            ends=inks.ends,
        )

    def _text(
        self, x: float, y: float, text: str, size: float, colour: str, **style: object
    ) -> None:
        if text:
            self.page.text(x, y, text, size=size, color=colour, **style)

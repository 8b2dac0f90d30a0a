"""How a figure is divided so that it has room on its page."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from pda_studio.errors import UsageError
from pda_studio.figures.composition import Composition
from pda_studio.figures.grid import Column, Grid, Row
from pda_studio.figures.layout import Layout
from pda_studio.figures.scale import Scale
from pda_studio.figures.tables import Arrangement
from pda_studio.figures.texts import Texts
from pda_studio.rendering import Appearance
from pda_studio.results import EvidenceMap, map_in

_READABLE = 4.5  # tiles of fewer times the font's size are small for a paper
_COMFORTABLE = 7.0  # tiles of so many times the font's size have room for their texts


def laid_out(grid: Grid, composition: Composition, appearance: Appearance) -> Layout:
    """The simplest layout whose tiles fill the width and have room, or that with the largest.

    Raises
    ------
    UsageError
        If there is none in which tiles show anything.
    """
    texts = Texts(grid, composition)
    scales = {
        (row.key, column.key): _scale_of(grid, row, column, appearance)
        for row, column in product(grid.rows, grid.columns)
        if isinstance(row.maps.get(column.key), EvidenceMap)
    }
    found: list[Layout] = []
    refused: UsageError | None = None
    for arrangement in _arrangements(len(grid.rows), len(grid.columns)):
        try:
            layout = Layout(grid, composition, texts, scales, arrangement)
        except UsageError as error:
            refused = refused or error
            continue
        comfortable = layout.dots(_COMFORTABLE * composition.font_size)
        if layout.fills and layout.tile >= comfortable:
            return layout
        found.append(layout)
    if not found:
        assert refused is not None
        raise refused
    return max(found, key=lambda layout: layout.tile)


def _scale_of(grid: Grid, row: Row, column: Column, appearance: Appearance) -> Scale:
    """The scale of what a column shows of a row's map, among all maps of the figure."""
    style = column.choice.styles(appearance)[0]
    layer = column.layer(row, appearance)
    maps = [one for one in grid.maps if isinstance(one, EvidenceMap)]
    limit = style.limit(map_in(row.maps[column.key]), maps, appearance)
    return Scale.of(layer, style.adapted(appearance), limit)


def _arrangements(rows: int, columns: int) -> Iterator[Arrangement]:
    """From the simplest on; only those that differ."""
    yield Arrangement()
    for parts in range(2, max(rows, columns) + 1):
        if parts <= columns and -(-columns // parts) < -(-columns // (parts - 1)):
            yield Arrangement(lines=parts)
        if parts <= rows and -(-rows // parts) < -(-rows // (parts - 1)):
            yield Arrangement(blocks=parts)


def layout_note(layout: Layout) -> str:
    """In what a figure differs from one table as wide as the page; "" if in nothing."""
    lines, blocks = len(layout.columns), len(layout.rows)
    page = f"to fit into {layout.composition.width:g} × {layout.composition.height:g} mm"
    if lines > 1:
        text = f"{len(layout.grid.columns)} columns stand in {lines} lines, {page}."
    elif blocks > 1:
        text = f"{len(layout.grid.rows)} rows stand in {blocks} blocks side by side, {page}."
    elif not layout.fills:
        text = f"The images are smaller than the width allows, {page}."
    else:
        text = ""
    if layout.tile < layout.dots(_READABLE * layout.composition.font_size):
        wide = layout.tile / layout.composition.dpi * 25.4
        text += (
            f" The images are only {wide:.0f} mm wide: a larger page, fewer rows or columns, or"
            " one colour bar for all gives them more room."
        )
    return text.strip()

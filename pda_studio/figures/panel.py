"""Panels of maps for publication: the image, what speaks for and against, and how it was found.

Everything is laid out in whole dots of 300 to the inch, the resolution of the bitmaps, so that
every pixel of a map is drawn equally large and edges stay sharp.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pda_studio.errors import UsageError
from pda_studio.figures.contours import draw_contours
from pda_studio.figures.page import GREY, INK, LARGE, NORMAL, SMALL, Page, Type
from pda_studio.figures.saving import STYLE, check_figure, save_figure
from pda_studio.figures.scale import BAR, BAR_TEXT, COLOURS, Scale, draw_scale
from pda_studio.figures.words import caption, decision, details, headline_of, unfinished
from pda_studio.rendering import STYLES, Appearance, heat_map, scale_end
from pda_studio.rendering import overlay as render_overlay
from pda_studio.results import EvidenceMap

_PLAIN = Appearance(colours=COLOURS)
_TYPE = Type()

# Lengths in dots.
_WIDTH = 2172  # 7.24 inches: both columns of a journal, and three tiles of 3·224 dots
_SMALLEST_TILE = 400
_MARGIN = 36
_GAP = 24  # between a map and its overlay
_GROUP_GAP = 60  # between what belongs to different maps
_ROW_GAP = 72
_HEADLINE = 66
_HEADING = 48
_DETAILS = 36
_BAR_GAP = 24
_CAPTION_GAP = 48

_WARNING = "#a65000"


def save_panel(
    maps: Sequence[EvidenceMap],
    path: Path,
    *,
    rows: int = 1,
    appearance: Appearance | None = None,
) -> None:
    """Draw maps as `draw_panel` does and write them, whole or not at all.

    Parameters
    ----------
    maps : sequence of EvidenceMap
        At least one.
    path : Path
        Its suffix says what is written: .png, .pdf, .svg or .tif.
    rows : int
        How many rows the maps are spread over.
    appearance : Appearance, optional
        How the maps are drawn; without it, plainly.

    Raises
    ------
    UsageError
        If the suffix is another one, or there are no maps or fewer than rows.
    PdaStudioError
        If the file cannot be written.
    """
    check_figure(path)
    save_figure(draw_panel(maps, rows=rows, appearance=appearance), path)


def draw_panel(
    maps: Sequence[EvidenceMap], *, rows: int = 1, appearance: Appearance | None = None
) -> Figure:
    """Draw maps side by side: the image, then each map by itself and over the grey image.

    Of a method that makes an image, the made image stands in the place of map and overlay.

    Parameters
    ----------
    maps : sequence of EvidenceMap
        At least one, spread evenly over the rows; where the image changes within a row, it is
        drawn again.
    rows : int
        Number of rows.
    appearance : Appearance, optional
        How the maps are drawn: as a window that has it shows them. Without it, plainly: all
        evidence, each map on its own scale.

    Returns
    -------
    matplotlib.figure.Figure
        Not known to pyplot. 7.2 inches wide, or wider if more than five tiles stand in a row.

    Raises
    ------
    UsageError
        If there are no maps, or fewer than rows.
    """
    if not maps:
        raise UsageError("There is no map to draw.")
    if not 1 <= rows <= len(maps):
        raise UsageError(f"{len(maps)} maps cannot stand in {rows} rows.")
    per_row = -(-len(maps) // rows)
    chunks = [list(maps[start : start + per_row]) for start in range(0, len(maps), per_row)]
    with matplotlib.rc_context(STYLE):
        return _Panel(chunks, appearance).page.figure


@dataclass(frozen=True)
class _Group:
    """An image and the maps of it that stand beside it."""

    maps: list[EvidenceMap]

    @property
    def view(self) -> NDArray[np.uint8]:
        return self.maps[0].view


class _Panel:
    """A panel in the making; lengths are dots from the upper left corner."""

    def __init__(self, chunks: list[list[EvidenceMap]], appearance: Appearance | None) -> None:
        self.appearance = appearance
        self.maps = [evidence_map for chunk in chunks for evidence_map in chunk]
        rows = [_groups(chunk) for chunk in chunks]
        self.tile, self.tile_height, widest = _tile_size(rows)
        headlines = _headlines(chunks)
        self.details = [details(m, self.maps, not any(headlines)) for m in self.maps]
        self.heading = _HEADING + (_DETAILS if any(self.details) else 0)
        self.width = widest + 2 * _MARGIN
        told = _TYPE.wrapped(caption(self.maps), self.width - 2 * _MARGIN, SMALL)
        line = round(SMALL * 1.45 / 72 * _TYPE.dpi)
        row = self.heading + self.tile_height + _BAR_GAP + BAR + BAR_TEXT
        height = (
            2 * _MARGIN
            + sum(row + (_HEADLINE if headline else 0) for headline in headlines)
            + _ROW_GAP * (len(rows) - 1)
            + _CAPTION_GAP
            + line * len(told)
        )
        self.page = Page(self.width, height, _TYPE)
        y = _MARGIN
        for groups, headline in zip(rows, headlines, strict=True):
            if headline:
                self.headline(headline, y)
                y += _HEADLINE
            self.row(groups, y)
            y += row + _ROW_GAP
        y += _CAPTION_GAP - _ROW_GAP
        for text in told:
            self.page.text(_MARGIN, y, text, size=SMALL, color=GREY, va="top")
            y += line

    def row(self, groups: list[_Group], y: int) -> None:
        """Draw images, each followed by its maps."""
        x = _MARGIN
        for group in groups:
            self.page.text(x, y + _HEADING - 15, "Input", size=NORMAL, color=INK)
            self.image(x, y + self.heading, group.view)
            x += self.tile + _GROUP_GAP
            for evidence_map in group.maps:
                width = _tiles(evidence_map) * (self.tile + _GAP) - _GAP
                self.map(x, y, width, evidence_map)
                x += width + _GROUP_GAP

    def headline(self, parts: tuple[str, str], y: int) -> None:
        """Write the target, and its probability in grey."""
        name, probability = parts
        used = _TYPE.width(probability, LARGE) + 45
        name = _TYPE.fitted(name, self.width - 2 * _MARGIN - used, LARGE, "bold")
        self.page.text(_MARGIN, y + 36, name, size=LARGE, color=INK, weight="bold")
        start = _MARGIN + _TYPE.width(name, LARGE, "bold") + 27
        self.page.text(start, y + 36, probability, size=LARGE, color=GREY)

    def map(self, x: int, y: int, width: int, evidence_map: EvidenceMap) -> None:
        """Draw a map, its overlay, and their colour bar; or a made image, and what it does."""
        baseline = y + _HEADING - 15
        covered = unfinished(evidence_map)
        room = width - (_TYPE.width(covered, NORMAL) + 24 if covered else 0)
        title = _TYPE.fitted(evidence_map.title, room, NORMAL, "bold")
        self.page.text(x, baseline, title, size=NORMAL, color=INK, weight="bold")
        if covered:
            self.page.text(x + width, baseline, covered, size=NORMAL, color=_WARNING, ha="right")
        more = next(d for m, d in zip(self.maps, self.details, strict=True) if m is evidence_map)
        more = _TYPE.fitted(more, width, SMALL)
        self.page.text(x, baseline + _DETAILS, more, size=SMALL, color=GREY)
        y += self.heading
        if evidence_map.image is not None:
            self.image(x, y, evidence_map.image)
            below = y + self.tile_height + _BAR_GAP + BAR
            for line in _TYPE.wrapped([evidence_map.forward], width, SMALL)[:3]:
                self.page.text(x, below, line, size=SMALL, color=INK)
                below += _DETAILS
            return
        beside = x + self.tile + _GAP
        if self.appearance is None:
            scale = Scale.plain(evidence_map)
            norm = Normalize(-evidence_map.limit, evidence_map.limit)
            self.image(x, y, evidence_map.evidence, cmap=COLOURS, norm=norm)
            self.image(beside, y, overlay(evidence_map))
        else:
            limit = scale_end(evidence_map, self.maps, self.appearance)
            scale = Scale.of(evidence_map, self.appearance, limit)
            self.image(x, y, heat_map(evidence_map, self.appearance, limit))
            drawing = STYLES[self.appearance.style].draw(evidence_map, self.appearance, limit)
            axes = self.image(beside, y, drawing.at(self.appearance.opacity))
            draw_contours(axes, drawing.lines, self.appearance.opacity)
        draw_scale(self.page, x, y + self.tile_height + _BAR_GAP, width, scale)

    def image(self, x: int, y: int, pixels: NDArray[Any], **style: Any) -> Axes:
        """Draw an image as a tile."""
        return self.page.image(x, y, (self.tile, self.tile_height), pixels, **style)


def overlay(evidence_map: EvidenceMap) -> NDArray[np.uint8]:
    """Lay evidence over the grey image, the stronger the less transparent: (H, W, 3) uint8.

    Plainly, as `draw_panel` does without an appearance: what is guessed in an unfinished map is
    told in words.
    """
    return render_overlay(evidence_map.replace(covered=None), _PLAIN, evidence_map.limit)


def _groups(maps: list[EvidenceMap]) -> list[_Group]:
    """Put neighbours that show the same image together."""
    by_image = groupby(maps, key=lambda m: (m.view.shape, m.view.tobytes()))
    return [_Group(list(members)) for _, members in by_image]


def _tile_size(rows: list[list[_Group]]) -> tuple[int, int, int]:
    """Width and height of a tile, and the width of the widest row."""

    def parts(groups: list[_Group]) -> tuple[int, int]:
        tiles = [_tiles(evidence_map) for group in groups for evidence_map in group.maps]
        maps = len(tiles)
        gaps = _GROUP_GAP * (len(groups) + maps - 1) + _GAP * (sum(tiles) - maps)
        return len(groups) + sum(tiles), gaps

    counted = [parts(groups) for groups in rows]
    room = min((_WIDTH - 2 * _MARGIN - gaps) // tiles for tiles, gaps in counted)
    tile = max(_SMALLEST_TILE, room)
    height, width = rows[0][0].view.shape[:2]
    if tile >= 2 * width:
        tile = round(tile / width) * width  # as many dots for each pixel
    return tile, round(tile * height / width), max(n * tile + gaps for n, gaps in counted)


def _tiles(evidence_map: EvidenceMap) -> int:
    """How many tiles it takes: a map and its overlay, or a made image."""
    return 1 if evidence_map.image is not None else 2


def _headlines(chunks: list[list[EvidenceMap]]) -> list[tuple[str, str] | None]:
    """What to write over each row: the target and its probability, unless the row above has it.

    None anywhere if a row holds several decisions; each map then bears its own.
    """
    if any(decision(m) != decision(chunk[0]) for chunk in chunks for m in chunk):
        return [None] * len(chunks)
    headlines: list[tuple[str, str] | None] = []
    for index, chunk in enumerate(chunks):
        first = chunk[0]
        if index and decision(first) == decision(chunks[index - 1][0]):
            headlines.append(None)
        else:
            headlines.append((first.target_name, headline_of(first)))
    return headlines
